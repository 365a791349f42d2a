//! One's own settings: language, look, e-mail, password, second factor, API tokens.

use askama::Template;
use qrcode::{Color, EcLevel, QrCode};
use service::model::{Customer, Language, NoticeSettings, Problem, Role, Scope, Theme, Token};

use super::field::{self, Field, Kind};
use super::frame::Frame;
use super::notices::NoticesCard;
use crate::html::Html;

/// The form whose input could not be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Language, look, e-mail.
    Preferences,
    /// Password.
    Password,
    /// Second factor.
    Totp,
    /// Tokens.
    Tokens,
    /// Being told when a mailimport ends.
    Notices,
}

/// A second factor that is being set up.
#[derive(Clone)]
pub struct TotpShown {
    /// The secret, for typing it in.
    pub secret_base32: String,
    /// The same as an address, for the picture.
    pub otpauth_url: String,
}

/// A token that was made a moment ago.
#[derive(Clone)]
pub struct NewToken {
    /// Its name.
    pub name: String,
    /// Its secret, shown this once.
    pub secret: String,
}

/// The page.
#[derive(Template)]
#[template(path = "account.html")]
pub struct Account {
    /// The frame.
    pub f: Frame,
    /// Who.
    pub customer: Customer,
    /// API tokens, newest first.
    pub tokens: Vec<Token>,
    /// How they are told when a mailimport ends.
    pub notices: NoticeSettings,
    /// The second factor that is being set up.
    pub totp: Option<TotpShown>,
    /// The token that was made a moment ago.
    pub new_token: Option<NewToken>,
    /// The webhook's secret that was made a moment ago; shown this once.
    pub new_secret: Option<String>,
    /// The form whose input could not be taken, and why.
    pub problems: Option<(Form, Vec<Problem>)>,
    /// The token's name that was typed.
    pub token_name: String,
}

/// A choice of a list.
pub(crate) struct Choice {
    pub(crate) value: &'static str,
    pub(crate) text: String,
    pub(crate) hint: String,
    pub(crate) chosen: bool,
}

/// A token as it is listed.
pub(crate) struct TokenLine {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) scopes: String,
    pub(crate) created: String,
    pub(crate) used: String,
    pub(crate) expires: String,
}

impl Account {
    /// The page without anything that was just made or refused.
    pub fn new(f: Frame, customer: Customer, tokens: Vec<Token>, notices: NoticeSettings) -> Account {
        Account {
            f,
            customer,
            tokens,
            notices,
            totp: None,
            new_token: None,
            new_secret: None,
            problems: None,
            token_name: String::new(),
        }
    }

    fn of(&self, form: Form) -> &[Problem] {
        match &self.problems {
            Some((which, problems)) if *which == form => problems,
            _ => &[],
        }
    }

    pub(crate) fn errors(&self, form: &str) -> Html {
        let (form, prefix) = match form {
            "preferences" => (Form::Preferences, ""),
            "password" => (Form::Password, ""),
            "totp" => (Form::Totp, "totp-"),
            _ => (Form::Tokens, "token-"),
        };
        field::summary(&self.f.words, self.of(form), |name| match name {
            "" => String::new(),
            "scopes" => "scope-read".to_owned(),
            name => format!("{prefix}{}", field::same_id(name)),
        })
    }

    /// The card *Notifications*.
    pub(crate) fn notices_card(&self) -> Html {
        let card = NoticesCard { f: &self.f, notices: &self.notices, problems: self.of(Form::Notices) };
        Html::of(&card)
    }

    pub(crate) fn languages(&self) -> Vec<Choice> {
        let choice = |value, text: String, language| Choice {
            value,
            text,
            hint: String::new(),
            chosen: self.customer.language == language,
        };
        vec![
            choice("", self.f.say("language-browser").into_owned(), None),
            choice("en", "English".to_owned(), Some(Language::English)),
            choice("de", "Deutsch".to_owned(), Some(Language::German)),
        ]
    }

    pub(crate) fn themes(&self) -> Vec<Choice> {
        let choice = |value, key, theme| Choice {
            value,
            text: self.f.say(key).into_owned(),
            hint: String::new(),
            chosen: self.customer.theme == theme,
        };
        vec![
            choice("system", "theme-system", Theme::System),
            choice("light", "theme-light", Theme::Light),
            choice("dark", "theme-dark", Theme::Dark),
        ]
    }

    pub(crate) fn scopes(&self) -> Vec<Choice> {
        let choice = |value, scope, key| Choice {
            value,
            text: self.f.words.scope(scope),
            hint: self.f.say(key).into_owned(),
            chosen: scope == Scope::Read,
        };
        let mut scopes = vec![
            choice("read", Scope::Read, "scope-read-what"),
            choice("write", Scope::Write, "scope-write-what"),
        ];
        if self.customer.role == Role::Operator {
            scopes.push(choice("admin", Scope::Admin, "scope-admin-what"));
        }
        scopes
    }

    /// How long a new token lives, in days; empty for ever.
    pub(crate) fn lifetimes(&self) -> Vec<Choice> {
        let choice = |value, text: String| Choice { value, text, hint: String::new(), chosen: value == "90" };
        let days = |n| self.f.count("days", &n).into_owned();
        vec![
            choice("30", days(30)),
            choice("90", days(90)),
            choice("365", days(365)),
            choice("", self.f.say("never").into_owned()),
        ]
    }

    pub(crate) fn email_field(&self) -> Html {
        let mut field = Field::new(&self.f.words, "email", "account-email").kind(Kind::Email);
        if self.notices.email_offered {
            field = field.hint(self.f.say("account-email-hint"));
        }
        field
            .value(self.customer.email.as_deref().unwrap_or_default())
            .autocomplete("email")
            .optional()
            .problems(&self.f.words, self.of(Form::Preferences))
            .shown()
    }

    pub(crate) fn old_password_field(&self) -> Html {
        Field::new(&self.f.words, "old", "account-old-password")
            .kind(Kind::Password)
            .autocomplete("current-password")
            .problems(&self.f.words, self.of(Form::Password))
            .shown()
    }

    pub(crate) fn new_password_field(&self) -> Html {
        Field::new(&self.f.words, "password", "new-password")
            .kind(Kind::Password)
            .hint(self.f.say("own-password-hint"))
            .autocomplete("new-password")
            .problems(&self.f.words, self.of(Form::Password))
            .shown()
    }

    pub(crate) fn code_field(&self) -> Html {
        Field::new(&self.f.words, "code", "totp-code")
            .id("totp-code")
            .kind(Kind::Code)
            .autocomplete("one-time-code")
            .problems(&self.f.words, self.of(Form::Totp))
            .shown()
    }

    pub(crate) fn totp_password_field(&self) -> Html {
        Field::new(&self.f.words, "password", "sign-in-password")
            .id("totp-password")
            .kind(Kind::Password)
            .autocomplete("current-password")
            .problems(&self.f.words, self.of(Form::Totp))
            .shown()
    }

    pub(crate) fn token_name_field(&self) -> Html {
        Field::new(&self.f.words, "name", "token-name")
            .id("token-name")
            .hint(self.f.say("token-name-hint"))
            .value(&self.token_name)
            .problems(&self.f.words, self.of(Form::Tokens))
            .shown()
    }

    pub(crate) fn token_lines(&self) -> Vec<TokenLine> {
        let words = &self.f.words;
        let never = || words.say("never").into_owned();
        let line = |token: &Token| TokenLine {
            id: token.id.to_string(),
            name: token.name.clone(),
            scopes: token.scopes.iter().map(|scope| words.scope(*scope)).collect::<Vec<_>>().join(", "),
            created: words.date(token.created_at),
            used: token.last_used_at.map_or_else(never, |at| words.moment(at)),
            expires: token.expires_at.map_or_else(never, |at| words.date(at)),
        };
        self.tokens.iter().map(line).collect()
    }

    /// The picture that an authenticator reads; nothing where the address does not fit into one.
    pub(crate) fn qr(&self) -> Html {
        self.totp.as_ref().and_then(|totp| qr(&totp.otpauth_url)).unwrap_or_default()
    }

    /// The secret in groups of four, as people type it.
    pub(crate) fn totp_secret(&self) -> String {
        let secret: Vec<char> = self.totp.iter().flat_map(|totp| totp.secret_base32.chars()).collect();
        secret.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
    }
}

/// A QR code as one path, without inline styles.
fn qr(text: &str) -> Option<Html> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (index, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            path.push_str(&format!("M{} {}h1v1h-1z", index % width + 4, index / width + 4));
        }
    }
    // Four modules of quiet zone (ISO/IEC 18004, section 5.3.8).
    let side = width + 8;
    Some(Html::made(format!(
        "<svg class=\"qr\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\" aria-hidden=\"true\"><rect class=\"paper\" width=\"{side}\" height=\"{side}\"/><path class=\"ink\" d=\"{path}\"/></svg>"
    )))
}
