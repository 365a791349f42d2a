//! The largest folders.

use askama::Template;

use crate::html::Html;
use crate::words::Words;

/// Folders that are drawn; the rest is one bar.
const MOST: usize = 8;

/// A folder and how large it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FolderSize {
    pub(crate) name: String,
    pub(crate) octets: u64,
    pub(crate) messages: u64,
}

struct Bar {
    name: String,
    size: String,
    messages: String,
    /// Of 1000, of the largest.
    width: u64,
}

#[derive(Template)]
#[template(path = "folders_by_size.html")]
struct FoldersBySize<'a> {
    w: &'a Words,
    bars: Vec<Bar>,
}

/// Bars for the largest folders; nothing where there are fewer than two. By messages where no sizes are known.
pub(crate) fn folders_by_size(words: &Words, mut folders: Vec<FolderSize>) -> Html {
    let by_octets = folders.iter().any(|folder| folder.octets > 0);
    let weight = |folder: &FolderSize| if by_octets { folder.octets } else { folder.messages };
    folders.retain(|folder| weight(folder) > 0);
    if folders.len() < 2 {
        return Html::EMPTY;
    }
    folders.sort_by(|a, b| weight(b).cmp(&weight(a)).then_with(|| a.name.cmp(&b.name)));
    // One folder more is as long as "1 other folder".
    if folders.len() > MOST + 1 {
        let rest = folders.split_off(MOST);
        let name = words.count("chart-other-folders", rest.len() as u64).into_owned();
        let octets = rest.iter().map(|folder| folder.octets).sum();
        let messages = rest.iter().map(|folder| folder.messages).sum();
        folders.push(FolderSize { name, octets, messages });
    }
    let largest = folders.iter().map(weight).max().unwrap_or(1).max(1);
    let bar = |folder: &FolderSize| Bar {
        name: folder.name.clone(),
        size: if by_octets { words.octets(folder.octets) } else { String::new() },
        messages: words.count("messages", folder.messages).into_owned(),
        // Something is never drawn as nothing.
        width: (u128::from(weight(folder)) * 1000 / u128::from(largest)).max(4) as u64,
    };
    Html::of(&FoldersBySize { w: words, bars: folders.iter().map(bar).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_folders_end_in_one_bar_for_the_rest() {
        let words = Words::new(service::model::Language::English, None);
        let folders =
            (0..20).map(|i| FolderSize { name: format!("f{i}"), octets: i * 1000, messages: i }).collect();
        let shown = folders_by_size(&words, folders).into_string();
        assert_eq!(shown.matches("<rect").count(), (MOST + 1) * 2, "{shown}");
        assert!(shown.contains("11 other folders"), "{shown}");
    }
}
