//! Texts that others wrote, on their way into a message.

/// Longest part of such a text that is shown, in bytes.
const SHOWN: usize = 300;

/// The beginning of `text`, and that there is more where there is: an error may repeat what it is about, however long.
pub(crate) fn shortened(mut text: String) -> String {
    if text.len() > SHOWN {
        let end = (0..=SHOWN).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
        text.truncate(end);
        text.push('…');
        text.shrink_to_fit();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(shortened("é".repeat(150)), "é".repeat(150));
        assert_eq!(shortened("a".to_owned() + &"é".repeat(150)), "a".to_owned() + &"é".repeat(149) + "…");
    }
}
