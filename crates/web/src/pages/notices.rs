//! The part of one's own settings that says how one is told when a mailimport ends.

use askama::Template;
use service::model::{Notice, NoticeSettings, Problem};

use super::field::{self, Field};
use super::frame::Frame;
use crate::html::Html;

/// The card on the page of settings.
#[derive(Template)]
#[template(path = "notices.html")]
pub(crate) struct NoticesCard<'a> {
    pub(crate) f: &'a Frame,
    pub(crate) notices: &'a NoticeSettings,
    pub(crate) problems: &'a [Problem],
}

/// How the newest notice of a way fared.
pub(crate) struct Last {
    pub(crate) title: String,
    pub(crate) facts: String,
    pub(crate) said: String,
}

impl NoticesCard<'_> {
    pub(crate) fn errors(&self) -> Html {
        field::summary(&self.f.words, self.problems, field::same_id)
    }

    pub(crate) fn email_label(&self) -> String {
        match &self.notices.address {
            Some(address) => self.f.naming("notice-email", address).into_owned(),
            None => self.f.say("notice-email-none").into_owned(),
        }
    }

    pub(crate) fn webhook_field(&self) -> Html {
        Field::new(&self.f.words, "webhook", "notice-webhook")
            .hint(self.f.say("notice-webhook-hint"))
            .value(self.notices.webhook.as_deref().unwrap_or_default())
            .optional()
            .problems(&self.f.words, self.problems)
            .shown()
    }

    pub(crate) fn last(&self) -> Vec<Last> {
        let words = &self.f.words;
        let last = |title: String, notice: &Notice| Last {
            title,
            facts: words.notice_facts(notice),
            said: words.notice(notice),
        };
        let email = self.notices.last_email.as_ref().filter(|_| self.notices.email_offered);
        let email = email.map(|notice| last(words.say("notice-last-email").into_owned(), notice));
        let webhook = self.notices.last_webhook.as_ref();
        let webhook = webhook.map(|notice| last(words.say("notice-last-webhook").into_owned(), notice));
        email.into_iter().chain(webhook).collect()
    }
}
