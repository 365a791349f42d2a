//! Writing CSV that a spreadsheet may open: RFC 4180, and no cell that it would run as a formula.

use std::borrow::Cow;

/// A cell as text: what would begin a formula is preceded by an apostrophe, which spreadsheets hide or show, but never run.
pub fn cell(text: &str) -> Cow<'_, str> {
    // Full-width forms are folded by some spreadsheets. Spaces in front are skipped by others.
    let begins = |c: char| "=+-@\t\r\n＝＋－＠".contains(c);
    let risky = text.starts_with(begins) || text.trim_start().starts_with(begins);
    if risky { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// A file in the making.
#[derive(Debug)]
pub struct Export {
    text: String,
}

impl Export {
    /// With the names of its columns.
    pub fn new(header: &[&str]) -> Export {
        let mut export = Export { text: String::new() };
        export.row(header);
        export
    }

    /// Adds a row; each cell is made harmless.
    pub fn row<T: AsRef<str>>(&mut self, cells: &[T]) {
        for (index, text) in cells.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            let text = cell(text.as_ref());
            if text.contains([',', ';', '"', '\n', '\r', '\t']) {
                self.text.push('"');
                self.text.push_str(&text.replace('"', "\"\""));
                self.text.push('"');
            } else {
                self.text.push_str(&text);
            }
        }
        self.text.push_str("\r\n");
    }

    /// The file.
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_that_would_be_formulas_are_not_run() {
        for (text, expected) in [
            ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
            ("+49 30 1", "'+49 30 1"),
            ("-1+1", "'-1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("  =1", "'  =1"),
            ("＝1", "'＝1"),
            ("a=1", "a=1"),
            ("2026-11-22", "2026-11-22"),
            ("", ""),
        ] {
            assert_eq!(cell(text), expected, "{text:?}");
        }
    }

    #[test]
    fn rows_are_quoted_where_needed() {
        let mut export = Export::new(&["folder", "subject"]);
        export.row(&["INBOX", "a, \"b\"\nc"]);
        export.row(&["=1;2", "x"]);
        assert_eq!(export.finish(), "folder,subject\r\nINBOX,\"a, \"\"b\"\"\nc\"\r\n\"'=1;2\",x\r\n");
    }
}
