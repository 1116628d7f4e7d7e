//! Templates of recipes: text with marks such as `@WORK@`.

/// The template with each mark replaced by its value. A value with marks in it stays as it is.
pub(super) fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('@') {
        let (before, after) = rest.split_at(at);
        filled.push_str(before);
        let mark = values.iter().find_map(|(name, value)| {
            let rest = after.strip_prefix('@')?.strip_prefix(name)?.strip_prefix('@')?;
            Some((value, rest))
        });
        match mark {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('@');
                rest = after.get(1..).unwrap_or_default();
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_replaced_once() {
        let values = [("A", "@B@".to_owned()), ("B", "b".to_owned())];
        assert_eq!(fill("@A@ @B@ @C@ a@b ${x[@]} @", &values), "@B@ b @C@ a@b ${x[@]} @");
    }
}
