//! Renders the pages of the guide as HTML.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// What comes before the content of a page; the title is missing.
const HEAD: &str = "<!doctype html>
<html lang=\"en\">
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width\">
<style>
body { max-width: 50em; margin: 2em auto; padding: 0 1em; font-family: sans-serif; line-height: 1.5 }
pre { overflow-x: auto; padding: 0.7em; background: #f3f3f3 }
table { border-collapse: collapse }
td, th { padding: 0.2em 0.6em; border: 1px solid #ccc; text-align: left; vertical-align: top }
</style>
";

/// Renders a page in Markdown. Links between the topics lead to `TOPIC.html`; other links to files
/// become text, because a package does not contain those files.
pub(super) fn render(page: &str, topics: &[&str]) -> String {
    let mut events: Vec<_> = Parser::new_ext(page, Options::ENABLE_TABLES).collect();
    add_ids(&mut events);
    let title = page.lines().next().unwrap_or_default().trim_start_matches("# ");
    let mut text = format!("{HEAD}<title>{}</title>\n", escape_text(title));
    html::push_html(&mut text, replace_links(events, topics).into_iter());
    text
}

/// Adds to each heading the id by which links name it: its words, as on GitHub.
fn add_ids(events: &mut [Event<'_>]) {
    for start in 0..events.len() {
        let (before, after) = events.split_at_mut(start + 1);
        if let Some(Event::Start(Tag::Heading { id, .. })) = before.last_mut() {
            let content =
                after.iter().take_while(|it| !matches!(it, Event::End(TagEnd::Heading(_))));
            let text = content.map(|event| match event {
                Event::Text(text) | Event::Code(text) => text.as_ref(),
                _ => "",
            });
            *id = Some(id_of_heading(&text.collect::<String>()).into());
        }
    }
}

fn id_of_heading(text: &str) -> String {
    let text = text.to_lowercase().replace(' ', "-");
    text.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
}

fn replace_links<'a>(events: Vec<Event<'a>>, topics: &[&str]) -> Vec<Event<'a>> {
    let mut is_removed = false;
    let replaced = events.into_iter().filter_map(|event| match event {
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let dest_url = target(&dest_url, topics).map(CowStr::from);
            is_removed = dest_url.is_none();
            dest_url.map(|dest_url| Event::Start(Tag::Link { link_type, dest_url, title, id }))
        }
        Event::End(TagEnd::Link) if is_removed => None,
        other => Some(other),
    });
    replaced.collect()
}

/// Returns what a link leads to, or nothing if it leads to a file that is not a topic.
fn target(url: &str, topics: &[&str]) -> Option<String> {
    if url.starts_with('#') || url.contains("://") {
        return Some(url.to_owned());
    }
    let (path, heading) = match url.split_once('#') {
        Some((path, heading)) => (path, format!("#{heading}")),
        None => (url, String::new()),
    };
    let name = path.rsplit('/').next()?.strip_suffix(".md")?;
    topics.contains(&name).then(|| format!("{name}.html{heading}"))
}

fn escape_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_can_be_linked_to() {
        let page = render("# Keys, and `age`!\n\n[up](#keys-and-age)\n", &[]);
        assert!(page.contains("<title>Keys, and `age`!</title>"), "{page}");
        assert!(page.contains("<h1 id=\"keys-and-age\">"), "{page}");
        assert!(page.contains("<a href=\"#keys-and-age\">up</a>"), "{page}");
    }

    #[test]
    fn links_lead_to_topics_or_elsewhere_or_are_text() {
        let topics = ["git", "guide"];
        for (url, expected) in [
            ("https://example.com/a.md", Some("https://example.com/a.md")),
            ("clients/git.md", Some("git.html")),
            ("../guide.md#install", Some("guide.html#install")),
            ("adr/0001.md", None),
            ("git.txt", None),
        ] {
            assert_eq!(target(url, &topics).as_deref(), expected, "{url}");
        }
        let page = render("[a](b.md) [c](git.md)", &topics);
        assert!(page.contains("<p>a <a href=\"git.html\">c</a></p>"), "{page}");
    }

    #[test]
    fn a_title_is_text() {
        assert!(render("# a < b & c\n", &[]).contains("<title>a &lt; b &amp; c</title>"));
    }
}
