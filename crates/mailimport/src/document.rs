//! The JSON documents on standard output, which a terminal may be behind.

use serde::Serialize;

use crate::human::is_harmful;

/// The document with a line end. What could steer a terminal stands in it as an escape, which reads back the same: JSON
/// itself asks for that only below U+0020.
pub(crate) fn json(document: &impl Serialize) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string_pretty(document)?;
    let mut safe = String::with_capacity(text.len() + 1);
    for c in text.chars() {
        // Outside of strings there are line ends; inside of them they are escaped already.
        if c != '\n' && is_harmful(c) {
            safe += &format!("\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe.push('\n');
    Ok(safe)
}

#[cfg(test)]
mod tests {
    use super::json;

    #[test]
    fn what_steers_a_terminal_is_escaped_and_reads_back() {
        let name = "a\u{1b}[31m\u{7f}\u{9b}2J\u{202e}\nä😀\"";
        let text = json(&[name]).unwrap();
        assert_eq!(text, "[\n  \"a\\u001b[31m\\u007f\\u009b2J\\u202e\\nä😀\\\"\"\n]\n");
        assert_eq!(serde_json::from_str::<[String; 1]>(&text).unwrap(), [name]);
    }
}
