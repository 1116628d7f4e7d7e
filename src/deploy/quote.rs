//! Quoting for shells and languages, and fill-in of templates.
//!
//! Text with invisible characters never comes here, so nothing spans lines: not a word of a shell, not a comment, not an end
//! mark of a here-document.

/// Whether a character is a control character, ends a line somewhere, or changes the direction of text.
pub(super) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// A word of a shell.
pub(super) fn word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:,+@%=".contains(&byte);
    match !text.is_empty() && text.bytes().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// Words of a shell, in one line.
pub(super) fn line(words: &[String]) -> String {
    words.iter().map(|text| word(text)).collect::<Vec<_>>().join(" ")
}

/// A string of JSON, which is one of Python and of YAML too.
pub(super) fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A list of strings, of JSON, Python and YAML.
pub(super) fn json_list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| json(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// Text in a container's command or variable, where Kubernetes replaces `$(NAME)`, and `$$` by `$`
/// ([container](https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#entrypoint)).
pub(super) fn kubernetes(text: &str) -> String {
    text.replace('$', "$$")
}

/// Text in an IAM policy, where `*`, `?` and `${` have a meaning
/// ([policy variables](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html)).
pub(super) fn policy(text: &str) -> String {
    let mut quoted = String::new();
    for c in text.chars() {
        match c {
            '*' | '?' | '$' => quoted.extend(['$', '{', c, '}']),
            c => quoted.push(c),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_quoted_for_where_it_stands() {
        assert_eq!(word("s3://b/p"), "s3://b/p");
        assert_eq!(word("a'b $(id)"), r"'a'\''b $(id)'");
        assert_eq!(word(""), "''");
        assert_eq!(json("a\"b\\"), r#""a\"b\\""#);
        assert_eq!(kubernetes("$(RUN)$"), "$$(RUN)$$");
        assert_eq!(policy("a*b${x}?"), "a${*}b${$}{x}${?}");
        assert!("\n\r\u{85}\u{2028}\u{202e}\u{0}".chars().all(is_invisible));
        assert!(!"a é監 '\"$`\\".chars().any(is_invisible));
    }
}
