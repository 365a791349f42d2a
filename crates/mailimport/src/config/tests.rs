//! The sample says what is true, and what counts more goes over what counts less.

use std::io::Write;

use super::*;

fn environment(variables: &[(&str, &str)]) -> BTreeMap<OsString, OsString> {
    variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
}

fn assemble(file: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut written = tempfile::NamedTempFile::new().unwrap();
    written.write_all(file.as_bytes()).unwrap();
    let overrides = Overrides { file: Some(written.path().to_owned()), ..Overrides::default() };
    Config::assemble(&overrides, environment(variables))
}

#[test]
fn the_sample_has_every_key_with_its_default() {
    let sample = environment::sample();
    let defaults = Table::try_from(Config::default()).unwrap();
    assert_eq!(sample, defaults);
    assert_eq!(Config::deserialize(sample).unwrap(), Config::default());
}

#[test]
fn the_sample_as_it_is_sets_nothing() {
    let text = include_str!("../../mailimport.sample.toml");
    assert_eq!(toml::from_str::<Config>(text).unwrap(), Config::default());
}

#[test]
fn every_key_of_the_sample_is_described_above_it() {
    let text = include_str!("../../mailimport.sample.toml");
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let is_key = line.starts_with('#') && line.contains(" = ") && !line.starts_with("# ");
        let above = at.checked_sub(1).map_or("", |above| lines[above]);
        // `key` of a pair is described with its `certificate`.
        assert!(!is_key || above.starts_with('#'), "{line}");
        assert!(line.len() <= 130, "{line}");
    }
}

#[test]
fn the_environment_counts_more_than_the_file() {
    let file = "listen = \"127.0.0.1:1\"\n[work]\nchecks = 3\nimports = 2\n";
    let config = assemble(
        file,
        &[
            ("MAILIMPORT_WORK_CHECKS", "5"),
            ("MAILIMPORT_SOURCE_FURTHER_PORTS", "1143, 10993"),
            ("MAILIMPORT_SOURCE_ALLOW", "10.0.0.0/8,192.168.1.0/24"),
            ("MAILIMPORT_MAIL_PASSWORD_SCHEME", "blf-crypt"),
            ("MAILIMPORT_SOURCE_PASSWORD", "of another command"),
            ("PATH", "/bin"),
        ],
    )
    .unwrap();
    assert_eq!((config.work.checks, config.work.imports), (5, 2));
    assert_eq!(config.source.further_ports, [1143, 10_993]);
    assert_eq!(config.source.allow, ["10.0.0.0/8", "192.168.1.0/24"]);
    assert_eq!(config.mail.password_scheme, value::PasswordScheme::BlfCrypt);
    assert_eq!(config.listen.port(), 1);
}

#[test]
fn the_command_line_counts_more_than_both() {
    let overrides = Overrides {
        data_dir: Some("/argument".into()),
        listen: Some("127.0.0.1:3".parse().unwrap()),
        file: Some("/dev/null".into()),
    };
    let variables = [("MAILIMPORT_LISTEN", "127.0.0.1:2"), ("MAILIMPORT_DATA_DIR", "/variable")];
    let config = Config::assemble(&overrides, environment(&variables)).unwrap();
    assert_eq!((config.listen.port(), config.data_dir()), (3, "/argument".into()));
    assert_eq!(config.mail_root(), Path::new("/argument/mail"));
}

#[test]
fn the_file_can_be_named_by_the_environment() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"trusted_proxies = 1\n").unwrap();
    let variables = environment(&[("MAILIMPORT_CONFIG", file.path().to_str().unwrap())]);
    assert_eq!(Config::assemble(&Overrides::default(), variables).unwrap().trusted_proxies, 1);
}

#[test]
fn mistakes_are_named_with_their_place_and_without_their_value() {
    for (file, variables, expected) in [
        ("listne = 1\n", vec![], "line 1: unknown field `listne`"),
        ("\n[work]\nchecks = \"geheim\"\n", vec![], "line 3: invalid type, expected u16"),
        ("\n\nlisten = geheim\n", vec![], "line 3: "),
        ("[database]\nurl = \"geheim\nx\"\n", vec![], ", line "),
        ("public_url = \"https://a.example/geheim\"\n", vec![], "without a path"),
        ("[tls]\ncertificate = \"/c.pem\"\n", vec![], "belong together"),
        ("[smtp]\nurl = \"smtp://u:geheim@h/x\"\n", vec![], "write it as smtps://"),
        ("[smtp]\nurl = \"smtps://u:geheim@h\"\n", vec![], "smtp.url and smtp.from belong together"),
        ("[smtp]\nfrom = \"geheim\"\n", vec![], "mailimport@example.org"),
        (
            "",
            vec![("MAILIMPORT_SMTP_URL", "http://geheim")],
            "MAILIMPORT_SMTP_URL cannot be used: write it as",
        ),
        ("[work]\nimports = 0\n", vec![], "at least 1"),
        ("[source]\ntls_seconds = 0\n", vec![], "are between 1 and 3600"),
        ("[limits]\nfolders = 0\n", vec![], "limits.folders is at least 1"),
        ("[limits]\nfolder_name_octets = 0\n", vec![], "limits.folder_name_octets is at least 1"),
        ("[limits]\nfolder_levels = 1\n", vec![], "between 2 and 30"),
        ("", vec![("MAILIMPORT_LIMITS_RESPONSE_LINE_OCTETS", "12")], "between 1024 and"),
        ("[limits]\noctets_per_import = -1\n", vec![], "line 2: "),
        (
            "[mail]\npassword_scheme = \"geheim\"\n",
            vec![],
            "line 2: unknown variant, expected one of `argon2id`",
        ),
        ("", vec![("MAILIMPORT_MAIL_PASSWORD_SCHEME", "geheim, expected geheim")], "unknown variant"),
        ("", vec![("MAILIMPORT_LISTNE", "geheim")], "MAILIMPORT_LISTNE, and there is no such setting"),
        (
            "",
            vec![("MAILIMPORT_WORK_CHECKS", "geheim")],
            "MAILIMPORT_WORK_CHECKS cannot be used: it is no whole",
        ),
        ("", vec![("MAILIMPORT_WORK_CHECKS", "-1")], "MAILIMPORT_WORK_CHECKS cannot be used"),
        ("", vec![("MAILIMPORT_LISTEN", "geheim")], "MAILIMPORT_LISTEN cannot be used"),
    ] {
        let said = assemble(file, &variables).err().unwrap().to_string();
        assert!(said.contains(expected), "{file:?} {variables:?}: {said}");
        assert!(!said.contains("geheim"), "{said}");
    }
    let missing = Overrides { file: Some("/nowhere/mailimport.toml".into()), ..Overrides::default() };
    let said = Config::assemble(&missing, environment(&[])).err().unwrap().to_string();
    assert!(said.starts_with("/nowhere/mailimport.toml cannot be read: "), "{said}");
}

#[test]
fn secrets_are_not_shown() {
    let config =
        assemble(
            "[database]\nurl = \"postgres://u:geheim@h/d\"\n[metrics]\ntoken = \"geheim\"\n[smtp]\nurl = \"smtps://u:geheim@h\"\nfrom = \"a@example.org\"\n",
            &[],
        )
        .unwrap();
    assert!(config.database.url.is_some() && config.metrics.token.is_some() && config.smtp.url.is_some());
    assert!(!format!("{config:?}").contains("geheim"));
}
