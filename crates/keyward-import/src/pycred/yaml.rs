//! The part of YAML that PyCred writes: text, lists and maps with PyCred's tags.

use keyward_core::{Error, ErrorKind, Result};
use saphyr_parser::{Event, Parser, Span, StrInput, Tag};

use super::MAX_CONFIG;

/// PyCred's configuration files are five levels deep.
const MAX_DEPTH: usize = 8;

/// PyCred's installation file has about fifty nodes.
const MAX_NODES: usize = 2000;

/// The tags of PyCred's classes.
const TAGS: &[&str] =
    &["StoreConfig", "BackendConfig", "PyCredConfig", "PyCredBackendDefaultConfig"];

/// A value of a document, and its line.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) tag: Option<&'static str>,
    pub(super) content: Content,
}

#[derive(Debug)]
pub(super) enum Content {
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// Parses the only document of a file; returns `None` if the file is empty.
///
/// # Errors
/// [`Refused`](ErrorKind::Refused) for a tag that is not PyCred's, [`Corrupt`](ErrorKind::Corrupt)
/// for everything else. The errors name the line and quote nothing.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Node>> {
    if bytes.len() > MAX_CONFIG {
        return Err(Error::corrupt("read").because("the file is too large"));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Error::corrupt("read").because("the file is not UTF-8"))?;
    Reader { parser: Parser::new_from_str(text), nodes: 0 }.document()
}

/// Makes the error for a line.
pub(super) fn wrong(line: usize, what: &str) -> Error {
    Error::corrupt("read").because(format!("line {line}: {what}"))
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn document(mut self) -> Result<Option<Node>> {
        let mut root = None;
        loop {
            let (event, line) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(wrong(line, "there is a second document"));
                }
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                event => root = Some(self.node(event, line, 0)?),
            }
            // `---` alone is an empty document.
            root = root.filter(|node| !node.is_nothing());
        }
    }

    fn node(&mut self, event: Event<'a>, line: usize, depth: usize) -> Result<Node> {
        self.nodes += 1;
        if self.nodes > MAX_NODES || depth > MAX_DEPTH {
            return Err(wrong(line, "the file contains more than PyCred writes"));
        }
        let (tag, content) = match event {
            Event::Scalar(text, _, _, tag) => (known(tag, line)?, Content::Text(text.into_owned())),
            Event::SequenceStart(_, tag) => (known(tag, line)?, self.list(depth)?),
            Event::MappingStart(_, tag) => (known(tag, line)?, self.map(depth)?),
            Event::Alias(_) => {
                return Err(wrong(line, "there is an alias, which PyCred does not write"));
            }
            _ => return Err(wrong(line, "a value is missing")),
        };
        Ok(Node { line, tag, content })
    }

    fn list(&mut self, depth: usize) -> Result<Content> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Content::List(items)),
                (event, line) => items.push(self.node(event, line, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Content> {
        let mut items: Vec<(String, Node)> = Vec::new();
        loop {
            let (event, line) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Content::Map(items));
            }
            let key = self.node(event, line, depth + 1)?.text()?.to_owned();
            if items.iter().any(|(other, _)| *other == key) {
                return Err(wrong(line, "a key occurs twice"));
            }
            let (event, line) = self.next()?;
            items.push((key, self.node(event, line, depth + 1)?));
        }
    }

    /// Reads the next event. The parser's errors may quote what it read, so only their line is
    /// kept.
    fn next(&mut self) -> Result<(Event<'a>, usize)> {
        match self.parser.next() {
            Some(Ok((event, Span { start, .. }))) => Ok((event, start.line())),
            Some(Err(error)) => Err(wrong(error.marker().line(), "this is not YAML")),
            None => Err(Error::corrupt("read").because("the file ends too early")),
        }
    }
}

/// Returns the tag, if it is PyCred's. Its name is only compared.
fn known(tag: Option<impl AsRef<Tag>>, line: usize) -> Result<Option<&'static str>> {
    let Some(tag) = tag else { return Ok(None) };
    let tag = tag.as_ref();
    let known = TAGS.iter().find(|known| tag.handle == "!" && tag.suffix == **known);
    if let Some(known) = known {
        return Ok(Some(known));
    }
    let whole = format!("{}{}", tag.handle, tag.suffix);
    let what = if whole.contains("python") {
        "a tag that would make Python run code; it was refused, and no code was run"
    } else {
        "there is a tag that is not PyCred's"
    };
    Err(Error::new(ErrorKind::Refused, "read").because(format!("line {line}: {what}")))
}

impl Node {
    pub(super) fn text(&self) -> Result<&str> {
        match &self.content {
            Content::Text(text) if self.tag.is_none() => Ok(text),
            _ => Err(wrong(self.line, "text is expected here")),
        }
    }

    pub(super) fn map(&self, tag: Option<&str>) -> Result<&[(String, Self)]> {
        match &self.content {
            Content::Map(items) if self.tag == tag => Ok(items),
            _ => Err(wrong(
                self.line,
                &format!(
                    "a map{} is expected here",
                    tag.map(|tag| format!(" tagged !{tag}")).unwrap_or_default()
                ),
            )),
        }
    }

    pub(super) fn list(&self) -> Result<&[Self]> {
        match &self.content {
            Content::List(items) if self.tag.is_none() => Ok(items),
            _ => Err(wrong(self.line, "a list is expected here")),
        }
    }

    fn is_nothing(&self) -> bool {
        self.tag.is_none() && matches!(&self.content, Content::Text(text) if text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> Error {
        match parse(text.as_bytes()) {
            Ok(node) => panic!("{text:?} is read as {node:?}"),
            Err(error) => error,
        }
    }

    #[test]
    fn an_empty_file_has_no_document() {
        for text in ["", "\n", "---\n", "# no more\n", "---\n...\n"] {
            assert!(parse(text.as_bytes()).unwrap().is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_tag_that_is_not_pycreds_is_refused_anywhere() {
        for (text, line) in [
            ("!!python/object/apply:os.system ['canary']", 1),
            ("a: 1\nb: !!python/name:os.canary", 2),
            ("a: !<tag:yaml.org,2002:python/object/new:os.canary> []", 1),
            ("%TAG !p! tag:yaml.org,2002:python/\n---\n- !p!object/apply:os.canary []", 3),
            ("%TAG ! tag:yaml.org,2002:python/\n---\n!object/apply:os.canary []", 3),
            ("? !!python/tuple [canary]\n: b", 1),
            ("a: !canary b", 1),
            ("a: !!str canary", 1),
            ("a: !<BackendConfig> {}", 1),
            ("a: ! canary", 1),
        ] {
            let error = refused(text);
            assert_eq!(error.kind(), ErrorKind::Refused, "{text:?}");
            assert!(error.message().starts_with(&format!("line {line}: ")), "{text:?}: {error}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
        let error = refused("!!python/object/apply:os.system ['canary']");
        assert!(error.message().contains("no code was run"), "{error}");
    }

    #[test]
    fn yaml_that_pycred_does_not_write_is_refused() {
        for text in [
            "a: &canary b\nc: *canary",
            "canary: 1\ncanary: 2",
            "[canary]: 1",
            "canary: [",
            "canary: \"",
            "canary\n---\ncanary",
            "canary: b: c",
            "canary: *canary",
        ] {
            let error = refused(text);
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{text:?}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
    }

    #[test]
    fn a_file_that_expands_too_much_is_refused() {
        let laughs = "a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]";
        for text in [
            laughs.to_owned(),
            "[".repeat(MAX_CONFIG),
            "{a: ".repeat(MAX_CONFIG / 4),
            "- ".repeat(MAX_CONFIG / 2),
            "? ".repeat(MAX_CONFIG / 2),
            format!("[{}]", "a,".repeat(MAX_NODES + 1)),
            "a".repeat(MAX_CONFIG + 1),
        ] {
            assert_eq!(refused(&text).kind(), ErrorKind::Corrupt);
        }
        assert!(parse(b"\xff\xfea").is_err());
    }
}
