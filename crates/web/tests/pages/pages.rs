use service::model::Language;

use crate::fixtures::HOSTILE;
use crate::gallery;

const BOTH: [Language; 2] = [Language::English, Language::German];

/// Every page in both languages.
fn every_page(mut look: impl FnMut(&str, &str)) {
    for language in BOTH {
        for (name, html) in gallery::all(language) {
            look(name, &html);
        }
    }
}

#[test]
fn no_text_of_people_or_servers_becomes_markup() {
    let mut seen = 0;
    every_page(|name, html| {
        assert!(!html.contains("<script>alert"), "{name}");
        // What was put in is shown as text, and in attributes it ends nothing.
        assert!(!html.contains("alert('x')</script>"), "{name}");
        seen += html.matches("&#60;script&#62;alert(").count() + html.matches("&lt;script&gt;alert(").count();
    });
    assert!(seen > 10, "the control is missing: {HOSTILE} was shown {seen} times");
}

#[test]
fn templates_never_switch_escaping_off() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for way in ["|safe", "| safe", "escape(", "{% autoescape", "{% raw"] {
            assert!(!text.contains(way), "{}: {way}", path.display());
        }
    }
}

#[test]
fn pages_obey_the_content_security_policy() {
    every_page(|name, html| {
        if name == "report-file" {
            // An attachment: its own style stands in it, and nothing of elsewhere.
            assert!(
                html.contains("<style>") && !html.contains("<script") && !html.contains(" href=\"http"),
                "{name}"
            );
            return;
        }
        for forbidden in [" style=", "<style", " onclick=", " onload=", "javascript:", "<iframe", "<base"] {
            assert!(!html.contains(forbidden), "{name}: {forbidden}");
        }
        for script in html.split("<script").skip(1) {
            assert!(script.starts_with(" type=\"module\" src=\"/assets/app."), "{name}: {}", &script[..40]);
        }
        for source in html.split(" src=\"").skip(1) {
            assert!(source.starts_with("/assets/"), "{name}: {}", &source[..20]);
        }
    });
}

#[test]
fn every_address_of_an_asset_leads_to_one() {
    every_page(|name, html| {
        for address in html.split("\"/assets/").skip(1) {
            let asset = address.split('"').next().unwrap();
            assert!(web::assets::find(asset).is_some(), "{name}: {asset}");
        }
    });
}

#[test]
fn every_form_that_writes_brings_the_token_back() {
    every_page(|name, html| {
        for form in html.split("<form").skip(1) {
            let form = form.split("</form>").next().unwrap();
            assert!(form.contains("method=\"post\""), "{name}: {form}");
            assert!(form.contains("name=\"csrf\" value=\"k7Xw2vYpQ9\""), "{name}: {form}");
        }
        // Buttons in rows belong to the one form that holds the token.
        let elsewhere = html.matches(" form=\"act\"").count();
        assert!(elsewhere == 0 || html.contains("<form id=\"act\" method=\"post\""), "{name}");
        assert_eq!(html.matches("formaction=").count(), elsewhere, "{name}");
    });
}

#[test]
fn ids_are_unique_and_labels_and_descriptions_lead_somewhere() {
    every_page(|name, html| {
        let mut ids = std::collections::BTreeSet::new();
        for id in html.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(ids.insert(id), "{name}: {id} twice");
        }
        for attribute in [" for=\"", " aria-describedby=\"", " aria-labelledby=\"", " href=\"#"] {
            for named in
                html.split(attribute).skip(1).flat_map(|rest| rest.split('"').next().unwrap().split(' '))
            {
                assert!(ids.contains(named), "{name}: {attribute}{named}");
            }
        }
    });
}

#[test]
fn every_page_says_its_language_title_and_one_heading() {
    for (language, code) in [(Language::English, "en"), (Language::German, "de")] {
        for (name, html) in gallery::all(language) {
            assert!(html.contains(&format!("<html lang=\"{code}\"")), "{name}");
            let title = html.split("<title>").nth(1).unwrap().split("</title>").next().unwrap();
            assert!(title.len() > 10 && !title.contains('{'), "{name}: {title}");
            assert_eq!(html.matches("<h1").count(), 1, "{name}");
        }
    }
}

#[test]
fn no_page_shows_the_name_of_a_sentence_instead_of_it() {
    every_page(|name, html| {
        // A missing sentence shows as its name between tags: lower-case words joined by hyphens.
        for text in html.split('>').skip(1).map(|rest| rest.split('<').next().unwrap().trim()) {
            let is_key = text.contains('-')
                && text.len() > 6
                && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b == b'_')
                && !text.starts_with("-");
            assert!(!is_key, "{name}: {text}");
        }
        assert!(!html.contains("{ $") && !html.contains("{$"), "{name}");
    });
}

#[test]
fn five_hundred_entries_stay_a_page_of_bearable_size() {
    let page =
        gallery::all(Language::German).into_iter().find(|(name, _)| *name == "mailimport-500").unwrap().1;
    assert_eq!(page.matches("id=\"entry-").count(), 500);
    assert!(page.len() < 1_200_000, "{}", page.len());
}

/// A page without the digests in the names of its assets, which change with every touch of a style.
fn steady(html: &str) -> String {
    let mut steady = html.to_owned();
    for asset in web::assets::all() {
        let parts: Vec<&str> = asset.name.split('.').collect();
        steady = steady.replace(&asset.name, &format!("{}.{}", parts[0], parts[2]));
    }
    steady
}

#[test]
fn main_pages_as_they_are_sent() {
    for (language, name) in [
        (Language::English, "sign-in-refused"),
        (Language::German, "mailimport-ready"),
        (Language::English, "mailimport-refused"),
        (Language::English, "run-running"),
        (Language::German, "import-failed"),
        (Language::German, "error-409"),
    ] {
        let page = gallery::all(language).into_iter().find(|(known, _)| *known == name).unwrap().1;
        insta::assert_snapshot!(name, steady(&page));
    }
}
