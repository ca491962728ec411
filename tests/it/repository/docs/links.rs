//! Links of Markdown pages.

use std::fs;
use std::path::Path;

/// The links of a page that lead nowhere: to no file, or to no heading of one.
pub(super) fn broken(page: &Path) -> Vec<String> {
    let text = fs::read_to_string(page).unwrap();
    let broken = targets(&text).into_iter().filter(|target| {
        if target.starts_with("https://") {
            return false;
        }
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        let path = match file {
            "" => page.to_owned(),
            _ => page.parent().unwrap().join(file),
        };
        !path.exists() || !(heading.is_empty() || has_heading(&path, heading))
    });
    broken.map(|target| format!("{}: {target}", page.display())).collect()
}

/// Returns the text in each `](…)` outside of code.
fn targets(text: &str) -> Vec<&str> {
    let mut inside = false;
    let mut targets = Vec::new();
    for line in text.lines() {
        inside ^= line.starts_with("```");
        let links = line.split("](").skip(1).filter(|_| !inside);
        targets.extend(links.filter_map(|rest| Some(rest.split_once(')')?.0)));
    }
    targets
}

fn has_heading(path: &Path, wanted: &str) -> bool {
    let text = fs::read_to_string(path).unwrap();
    text.lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == wanted)
}

/// The name by which a heading is linked to.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
    text.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

#[test]
fn a_heading_is_linked_to_by_its_words() {
    assert_eq!(anchor("## Keys, and `age`!"), "keys-and-age");
    assert_eq!(targets("a [b](c.md#d) [e](f)\n```\n[g](h)\n```\n"), ["c.md#d", "f"]);
}
