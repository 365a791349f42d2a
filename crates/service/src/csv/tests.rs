use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;

const ROW: &str = "imap.example.org;alice@example.org;pw1;alice;Abcdefghijk1\n";

fn read(text: &str) -> Result<CsvPreview, Problem> {
    super::read(text.as_bytes(), "example.com")
}

/// Each row's fields joined by `|`.
fn rows(preview: &CsvPreview) -> Vec<String> {
    let secret = |secret: &Option<SecretString>| {
        secret.as_ref().map_or("-".to_owned(), |s| s.expose_secret().to_owned())
    };
    let join = |row: &CsvRow| {
        let NewEntry { server, username, password, mailbox, mailbox_password } = &row.entry;
        [server, username, &secret(password), mailbox, &secret(mailbox_password)]
            .map(String::as_str)
            .join("|")
    };
    preview.rows.iter().map(join).collect()
}

/// Each row's line with the codes of its problems.
fn problems(preview: &CsvPreview) -> Vec<(u64, Vec<&str>)> {
    preview
        .rows
        .iter()
        .map(|row| (row.line, row.problems.iter().map(|p| p.code.as_str()).collect()))
        .collect()
}

fn codes(problems: &[Problem]) -> Vec<&str> {
    problems.iter().map(|problem| problem.code.as_str()).collect()
}

fn utf16(text: &str, octets: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(octets).collect()
}

/// The same two accounts, however the file is written.
const TWO: [&str; 2] = [
    "imap.example.org|jürgen@example.org|geheim;€|jürgen.alt|Überlang-12a",
    "|bob@example.org| p w |bob|Abcdefghijk1",
];

fn two(delimiter: char) -> String {
    [
        ["imap.example.org", "jürgen@example.org", "\"geheim;€\"", "jürgen.alt", "Überlang-12a"],
        ["", "bob@example.org", " p w ", "bob", "Abcdefghijk1"],
    ]
    .map(|fields| fields.join(&delimiter.to_string()) + "\n")
    .concat()
}

#[test]
fn every_delimiter_is_found() {
    for (delimiter, prefix) in
        [(';', ""), (',', ""), ('\t', ""), ('|', "sep=|\r\n"), (';', "sep=;\n"), (',', "\"SEP=,\"\n")]
    {
        let preview = read(&(prefix.to_owned() + &two(delimiter))).unwrap();
        assert_eq!(rows(&preview), TWO, "{delimiter:?} {prefix:?}");
        assert_eq!((preview.delimiter, preview.header), (delimiter, Header::Absent));
        assert_eq!(preview.notes, []);
    }
}

#[test]
fn one_row_is_enough_to_find_the_delimiter() {
    for delimiter in [';', ',', '\t'] {
        let text =
            format!("h.example.org{delimiter}a@example.org{delimiter}x{delimiter}a{delimiter}Abcdefghijk1");
        assert_eq!(
            rows(&read(&text).unwrap()),
            ["h.example.org|a@example.org|x|a|Abcdefghijk1"],
            "{delimiter:?}"
        );
    }
}

#[test]
fn passwords_full_of_commas_do_not_mislead() {
    let text = "h;a;x,y,z,1,2;a;Abcdefghij,1\nh;b;x,y,z,1,2;b;Abcdefghij,1\n";
    assert_eq!(rows(&read(text).unwrap()), ["h|a|x,y,z,1,2|a|Abcdefghij,1", "h|b|x,y,z,1,2|b|Abcdefghij,1"]);
}

#[test]
fn every_encoding_is_read() {
    let text = two(';');
    let (latin, _, lossy) = encoding_rs::WINDOWS_1252.encode(&text);
    assert!(!lossy);
    let with_mark = |mark: &[u8], octets: &[u8]| [mark, octets].concat();
    let (little, big) = (utf16(&text, u16::to_le_bytes), utf16(&text, u16::to_be_bytes));
    for (octets, encoding, notes) in [
        (text.as_bytes().to_vec(), "UTF-8", &[][..]),
        (with_mark(b"\xef\xbb\xbf", text.as_bytes()), "UTF-8", &[]),
        (with_mark(b"\xff\xfe", &little), "UTF-16LE", &[]),
        (with_mark(b"\xfe\xff", &big), "UTF-16BE", &[]),
        (little, "UTF-16LE", &[]),
        (big, "UTF-16BE", &[]),
        (latin.into_owned(), "windows-1252", &["csv_encoding_guessed"]),
    ] {
        let preview = super::read(&octets, "example.com").unwrap();
        assert_eq!(rows(&preview), TWO, "{encoding}");
        assert_eq!((preview.encoding, codes(&preview.notes)), (encoding, notes.to_vec()));
        // Only the row that has such letters asks for a second look.
        assert_eq!(codes(&preview.rows[0].notes), notes);
        assert_eq!(preview.rows[1].notes, []);
    }
}

#[test]
fn a_guessed_encoding_names_what_it_may_be_instead() {
    let text = "h;анна@пример.рф;пароль;anna;Abcdefghijk1\nh;борис@пример.рф;секретный;boris;Abcdefghijk1\n";
    let (octets, _, _) = encoding_rs::WINDOWS_1251.encode(text);
    let preview = super::read(&octets, "example.com").unwrap();
    assert_eq!(preview.notes[0].args["likely"], "windows-1251");
}

#[test]
fn octets_that_are_not_what_the_mark_says_are_refused_and_not_replaced() {
    for octets in [&b"\xef\xbb\xbfh;a;p\xfcw;a;Abcdefghijk1"[..], b"\xff\xfeh\0;", b"\xff\xfe\x00\xd8x\0"] {
        assert_eq!(super::read(octets, "example.com").unwrap_err().code, "csv_encoding", "{octets:?}");
    }
}

#[test]
fn headers_in_both_languages_name_the_columns() {
    let row = |header: &str, row: &str| {
        let preview = read(&format!("{header}\n{row}\n")).unwrap();
        let line = header.lines().count() as u64 + 1;
        assert_eq!((preview.header, preview.rows[0].line), (Header::Present, line), "{header}");
        rows(&preview).remove(0)
    };
    let documented = "h|a@example.org|pw|a|Abcdefghijk1";
    for header in [
        "IMAP server;IMAP username;IMAP password;Mailbox;Password",
        "imap_server;imap_username;imap_password;mailbox;password",
        "IMAP-Server;IMAP-Benutzername;IMAP-Passwort;Postfach;Passwort",
        "Server;Benutzer;Passwort;Postfach;Neues Passwort",
        "HOST;Login;Kennwort;Ziel;Postfach-Kennwort",
        "host;user;password;mailbox;new password",
        "Server;E-Mail;Passwort;Postfach;Passwort",
        "host1;user1;password1;user2;password2",
        "\"IMAP\nserver\";Username;Password;Mailbox;Mailbox password",
    ] {
        assert_eq!(row(header, "h;a@example.org;pw;a;Abcdefghijk1"), documented, "{header}");
    }
    assert_eq!(
        row("Mailbox;Password;Username;Server;IMAP password", "a;Abcdefghijk1;a@example.org;h;pw"),
        documented
    );
    assert_eq!(row("Postfach,Benutzername,Passwort", "a,a@example.org,pw"), "|a@example.org|pw|a|-");
}

#[test]
fn columns_that_are_not_needed_are_named_and_left_out() {
    let preview = read("Nr;Server;User;Password;Mailbox;Remark;New password;;\n1;h;a;pw;a;\"two\nlines\";Abcdefghijk1;;\n2;h;b;pw;b;;Abcdefghijk1;;\n").unwrap();
    assert_eq!(rows(&preview), ["h|a|pw|a|Abcdefghijk1", "h|b|pw|b|Abcdefghijk1"]);
    assert_eq!(problems(&preview), [(2, vec![]), (4, vec![])]);
    assert_eq!(codes(&preview.notes), ["csv_column_ignored"]);
    assert_eq!(preview.notes[0].args["columns"], "Nr, Remark");
}

#[test]
fn a_header_that_is_not_clear_is_refused() {
    for (header, code) in [
        ("Server;User;Username;Password;Mailbox", "csv_column_twice"),
        ("Server;User;Mailbox;New password", "csv_column_missing"),
        ("Server;User;Password;New password", "csv_column_missing"),
        ("Server;Password;Mailbox", "csv_column_missing"),
        ("User;Password;Password;Password;Mailbox", "csv_column_twice"),
    ] {
        assert_eq!(read(&format!("{header}\n{ROW}")).unwrap_err().code, code, "{header}");
    }
}

#[test]
fn rows_that_happen_to_hold_the_names_of_columns_are_no_header() {
    for text in [
        "imap.example.org;user;password;info;Abcdefghijk1",
        ";user@example.org;password;mailbox;password",
        ";user;password;info",
    ] {
        let preview = read(text).unwrap();
        assert_eq!((preview.header, preview.rows.len()), (Header::Absent, 1), "{text}");
    }
}

#[test]
fn every_line_end_counts_as_one_line() {
    for ending in ["\n", "\r\n", "\r"] {
        let text =
            format!("\nh;a;pw;a;Abcdefghijk1{ending}{ending};;;;{ending}h;b;pw;b;Abcdefghijk1{ending}\u{1a}");
        let preview = read(&text).unwrap();
        assert_eq!(problems(&preview), [(2, vec![]), (5, vec![])], "{ending:?}");
    }
}

#[test]
fn quotation_marks_are_read_as_rfc_4180_says() {
    for (field, password) in [
        ("\"a;b\"", "a;b"),
        ("\"a\"\"b\"", "a\"b"),
        ("\"\"\"\"", "\""),
        ("\"\"\"a\"\"\"", "\"a\""),
        ("a\"b", "a\"b"),
        ("\" a \"", " a "),
        (" a ", " a "),
        (" \"a;b\" ", "a;b"),
        ("\u{a0}a", "\u{a0}a"),
        ("\"a,b\tc\"", "a,b\tc"),
        ("'a'", "'a'"),
    ] {
        let preview = read(&format!("h;u;{field};a;Abcdefghijk1\n")).unwrap();
        assert_eq!(rows(&preview), [format!("h|u|{password}|a|Abcdefghijk1")], "{field}");
        assert_eq!(problems(&preview), [(1, vec![])], "{field}");
    }
}

#[test]
fn an_unclosed_quotation_mark_costs_its_own_row_and_names_its_line() {
    let text =
        "h;a;pw;a;Abcdefghijk1\nh;b;\"pw;b;Abcdefghijk1\nh;c;\"p;w\";c;Abcdefghijk1\nh;d;pw;d;Abcdefghijk1\n";
    let preview = read(text).unwrap();
    assert_eq!(problems(&preview), [(1, vec![]), (2, vec!["csv_quote_unclosed"]), (3, vec![]), (4, vec![])]);
    assert_eq!(preview.rows[1].problems[0].args["line"], "2");
    assert!(preview.rows[1].problems[0].message.contains("line 2"));
    assert_eq!(rows(&preview)[1..3], ["h|b|-||-", "h|c|p;w|c|Abcdefghijk1"]);
}

#[test]
fn an_unclosed_quotation_mark_is_found_wherever_it_stands() {
    for (text, expected) in [
        ("h;u;pw;a;\"Abcdefghijk1", vec![(1, vec!["csv_quote_unclosed"])]),
        ("h;u;pw;a;\"Abcdefghijk1\n", vec![(1, vec!["csv_quote_unclosed"])]),
        ("h;u;\"pw\"x;a;Abcdefghijk1", vec![(1, vec!["csv_quote_text"])]),
        // The mark that seems to close it opens a field two lines on.
        (
            "h;u;\"pw;a;Abcdefghijk1\nh;v;pw;b;\";Abcdefghijk1\"\n",
            vec![(1, vec!["csv_quote_unclosed"]), (2, vec![])],
        ),
        (
            "h;u;\"pw;a;Abcdefghijk1\nh;v;\"\";b;Abcdefghijk1\n",
            vec![(1, vec!["csv_quote_unclosed"]), (2, vec!["password_missing"])],
        ),
        // Lines before it in the same row do not hide where it opens.
        (
            "h;u;\"a\nb\";a;\"Abcdefghijk1\n",
            vec![(1, vec!["csv_quote_unclosed"]), (2, vec!["csv_quote_unclosed"])],
        ),
        // A line end in a field that is closed properly: the row is one, and that password cannot be sent.
        (
            "h;u;\"a\nb\";a;Abcdefghijk1\nh;v;pw;b;Abcdefghijk1\n",
            vec![(1, vec!["password_characters"]), (3, vec![])],
        ),
    ] {
        assert_eq!(problems(&read(text).unwrap()), expected, "{text}");
    }
}

#[test]
fn a_row_that_is_cut_wrongly_keeps_no_password() {
    let preview = read(&format!("{ROW}h;u;pass;word;u;Abcdefghijk1\nh;v\n")).unwrap();
    assert_eq!(problems(&preview)[1..], [(2, vec!["csv_columns"]), (3, vec!["csv_columns"])]);
    assert_eq!(rows(&preview)[1..], ["h|u|-||-", "h||-||-"]);
    assert!(!format!("{preview:?}").contains("word;"));
}

#[test]
fn where_the_server_is_forgotten_the_password_is_not_shown_as_the_user_name() {
    for first in ["anna@old.example", "anna"] {
        let preview = read(&format!("{first};pass word;anna;Abcdefghijk1\n")).unwrap();
        assert_eq!(problems(&preview), [(1, vec!["csv_columns"])]);
        assert_eq!(rows(&preview), [format!("{first}||-||-")]);
        assert!(!format!("{preview:?}").contains("pass word"));
    }
    // Left empty it is looked for.
    let preview = read(";anna@old.example;pass word;anna;Abcdefghijk1\n").unwrap();
    assert_eq!(problems(&preview), [(1, vec![])]);
}

#[test]
fn a_password_for_the_mailbox_may_be_absent() {
    let preview = read("h.example;u;pw;u\nh:993;v;pw;v;\nimaps://h;w;pw;w;;;\n").unwrap();
    assert_eq!(rows(&preview), ["h.example|u|pw|u|-", "h:993|v|pw|v|-", "imaps://h|w|pw|w|-"]);
    assert!(preview.rows.iter().all(|row| row.problems.is_empty()));
}

#[test]
fn what_spreadsheets_damage_is_recognised_in_each_field() {
    let preview = read("1,23E+15;#NAME?;1,5E+10;########;5.2E+21\n").unwrap();
    let found: Vec<_> =
        preview.rows[0].problems.iter().map(|p| (p.field.as_str(), p.code.as_str())).collect();
    let damaged = |field| (field, "spreadsheet_damage");
    assert_eq!(found, ["server", "username", "password", "mailbox", "mailbox_password"].map(damaged));
}

#[test]
fn every_field_problem_stands_at_its_row() {
    let text = "https://x;a;pw;a;Abcdefghijk1\nh;;pw;a;Abcdefghijk1\nh;a;;a;Abcdefghijk1\nh;a;pw;a@other.example;Abcdefghijk1\nh;a;pw;A@Example.COM;short\n";
    let preview = read(text).unwrap();
    let weak = vec![
        "mailbox_password_short",
        "mailbox_password_uppercase",
        "mailbox_password_digit_or_special",
        "mailbox_password_conflict",
    ];
    let conflict = |code| vec![code, "mailbox_password_conflict"];
    let expected = [
        (1, conflict("server_scheme")),
        (2, conflict("username_missing")),
        (3, conflict("password_missing")),
        (4, vec!["mailbox_other_domain"]),
        (5, weak),
    ];
    assert_eq!(problems(&preview), expected);
}

#[test]
fn exact_duplicates_are_left_out_with_a_note() {
    let text = format!(
        "{ROW}{}{ROW}{}",
        ROW.replace("pw1", "pw2"),
        ROW.replace("imap.example.org", " imap.example.org ")
    );
    let preview = read(&text).unwrap();
    assert_eq!((preview.rows.len(), preview.duplicates), (2, 2));
    assert_eq!(codes(&preview.notes), ["csv_duplicates"]);
    assert_eq!(preview.notes[0].args["lines"], "3, 4");
    // A space more in a password is another password.
    assert_eq!(read(&format!("{ROW}{}", ROW.replace("pw1", "pw1 "))).unwrap().duplicates, 0);
}

#[test]
fn two_sources_for_one_mailbox_are_noted_and_allowed() {
    let preview = read("h;a;pw;info;Abcdefghijk1\nh;b;pw;INFO@example.com;Abcdefghijk1\nh;c;pw;info;\nh;d;pw;d;Abcdefghijk1\n").unwrap();
    for row in &preview.rows[..3] {
        assert_eq!((codes(&row.notes), row.problems.len()), (vec!["mailbox_shared"], 0));
        assert_eq!(row.notes[0].args["lines"], "1, 2, 3");
    }
    assert_eq!(preview.rows[3].notes, []);
}

#[test]
fn conflicting_new_passwords_are_refused_on_each_row_that_has_one() {
    let preview = read("h;a;pw;info;Abcdefghijk1\nh;b;pw;info;Abcdefghijk2\nh;c;pw;info;\n").unwrap();
    assert_eq!(
        problems(&preview),
        [(1, vec!["mailbox_password_conflict"]), (2, vec!["mailbox_password_conflict"]), (3, vec![])]
    );
    assert_eq!(preview.rows[0].problems[0].args["lines"], "1, 2");
    assert!(!format!("{preview:?}").contains("Abcdefghijk"));
}

#[test]
fn the_limits_hold_to_the_row_and_the_octet() {
    let many = |count: usize| -> String {
        (0..count).map(|i| format!("h.example.org;u{i};pw;m{i};Abcdefghijk1\n")).collect()
    };
    assert_eq!(read(&many(MAX_ROWS)).unwrap().rows.len(), MAX_ROWS);
    assert_eq!(read(&many(MAX_ROWS + 1)).unwrap_err().code, "csv_too_many_rows");
    assert_eq!(
        read(&format!("Server;User;Password;Mailbox\n\n{}", many(MAX_ROWS))).unwrap().rows.len(),
        MAX_ROWS
    );
    let mut octets = ROW.as_bytes().to_vec();
    octets.resize(MAX_OCTETS, b'\n');
    assert_eq!(super::read(&octets, "example.com").unwrap().rows.len(), 1);
    octets.push(b'\n');
    assert_eq!(super::read(&octets, "example.com").unwrap_err().code, "csv_too_large");
}

#[test]
fn empty_rows_are_no_rows_however_many() {
    for (blank, times) in [("\n", MAX_OCTETS - ROW.len()), (";;;;\r\n", 50_000)] {
        let mut text = blank.repeat(times);
        text += ROW;
        assert_eq!(read(&text).unwrap().rows.len(), 1, "{blank:?}");
    }
}

#[test]
fn ten_thousand_forgotten_quotation_marks_are_told_one_by_one() {
    for end in ["\"\"", ""] {
        let text: String = (0..MAX_ROWS).map(|i| format!("h;u{i};\"pw;m{i};{end}\n")).collect();
        let preview = read(&text).unwrap();
        assert_eq!(preview.rows.len(), MAX_ROWS);
        let told = |row: &CsvRow| codes(&row.problems) == ["csv_quote_unclosed"];
        assert_eq!(preview.rows.iter().filter(|row| told(row)).count(), MAX_ROWS);
    }
}

#[test]
fn a_file_that_holds_nothing_or_something_else_says_so() {
    for (octets, code) in [
        (&b""[..], "csv_empty"),
        (b"\xef\xbb\xbf", "csv_empty"),
        (b"\n\r\n;;;;\n", "csv_empty"),
        (b"sep=;", "csv_empty"),
        (b"Server;User;Password;Mailbox\n", "csv_empty"),
        (b"PK\x03\x04rest", "csv_not_text"),
        (b"%PDF-1.7", "csv_not_text"),
        (b"sep=ab\nx", "csv_separator"),
    ] {
        assert_eq!(super::read(octets, "example.com").unwrap_err().code, code, "{octets:?}");
    }
}

proptest! {
    #[test]
    fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = super::read(&octets, "example.com");
    }

    #[test]
    fn lines_of_odd_pieces_are_read_or_refused(
        text in "(sep=[;,]\n)?(server;user;password;mailbox\n)?([\";,\t\r\nab ü=]|pw|\"\"){0,120}"
    ) {
        if let Ok(preview) = read(&text) {
            let lines = text.lines().count() as u64 + text.matches('\r').count() as u64;
            let mut last = 0;
            for row in &preview.rows {
                prop_assert!(row.line > last && row.line <= lines);
                last = row.line;
            }
        }
    }

    #[test]
    fn whatever_is_quoted_comes_back(passwords in prop::collection::vec("[^\0\r\n]{1,20}", 1..8)) {
        let mut text = String::new();
        for (index, password) in passwords.iter().enumerate() {
            text += &format!("h;u{index};\"{}\";m{index};Abcdefghijk1\n", password.replace('"', "\"\""));
        }
        let preview = read(&text).unwrap();
        let found: Vec<_> = preview.rows.iter().map(|row| row.entry.password.as_ref().unwrap().expose_secret()).collect();
        prop_assert_eq!(found, passwords);
    }
}
