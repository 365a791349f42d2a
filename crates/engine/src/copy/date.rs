//! The date of a message whose INTERNALDATE is missing or absurd: from the topmost `Received`, else from `Date`.

/// Unix seconds, from the first octets of a message.
pub(super) fn from_header(head: &[u8]) -> Option<i64> {
    let text = String::from_utf8_lossy(head);
    let fields = unfold(&text);
    let received = field(&fields, "received").and_then(|value| value.rsplit_once(';')).map(|(_, date)| date);
    received.and_then(parse).or_else(|| field(&fields, "date").and_then(parse))
}

/// Header fields, each on one line, up to the empty line (RFC 5322, 2.2.3).
fn unfold(text: &str) -> Vec<String> {
    let mut fields: Vec<String> = Vec::new();
    for line in text.lines().take_while(|line| !line.is_empty()) {
        match fields.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => last.push_str(line),
            _ => fields.push(line.to_owned()),
        }
    }
    fields
}

fn field<'a>(fields: &'a [String], name: &str) -> Option<&'a str> {
    fields.iter().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim_end().eq_ignore_ascii_case(name).then_some(value)
    })
}

fn parse(date: &str) -> Option<i64> {
    // A comment such as "(CEST)" may follow.
    let date = date.split('(').next()?.trim();
    let zoned = jiff::fmt::rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_zoned(date).ok()?;
    Some(zoned.timestamp().as_second())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn received_comes_before_date_and_both_may_be_folded() {
        let cases: [(&[u8], Option<i64>); 6] = [
            (b"Date: Thu, 1 Jan 1970 00:00:10 +0000\r\n\r\n", Some(10)),
            (
                b"Received: from a by b;\r\n\tThu, 1 Jan 1970 01:00:20 +0100 (CET)\r\nDate: x\r\n\r\n",
                Some(20),
            ),
            (b"Received: by b; nonsense\r\nDate: 1 Jan 1970 00:00:30 +0000\r\n\r\n", Some(30)),
            (b"Subject: x\r\n\r\nDate: Thu, 1 Jan 1970 00:00:10 +0000\r\n", None),
            (b"", None),
            (b"\xff\xfe: \x00", None),
        ];
        for (head, expected) in cases {
            assert_eq!(from_header(head), expected, "{}", String::from_utf8_lossy(head));
        }
    }
}
