use std::path::Path;

use keyward_core::{
    Error, OptionError, OptionSpec, OptionType, Result, StoreId, Value, Values, printable,
};

use crate::name::StoreName;
use crate::places::Places;

/// Replaces the placeholders `%…%` in options by folders, and by facts about the store.
///
/// `%id%`, `%store%`, `%data%`, `%state%`, `%config%` and `%home%` are replaced when a store is
/// opened. `%user%` stays, because backends replace it for each entry. In system stores `%uid%` is
/// the id of the user whose credentials are used; it can also be the value of a number. `%%` is one
/// `%`. A leading `~/` in a path is the home folder.
///
/// # Examples
/// ```
/// use keyward_config::{Environment, Expander, Places, StoreName};
/// use keyward_core::StoreId;
///
/// let places = Places::find(&Environment::new([("HOME", "/home/ann")]))?;
/// let expander = Expander::new(&places, &StoreName::new("work")?, StoreId([0x11; 16]));
/// assert_eq!(expander.text("%home%/%store%-%user%")?, "/home/ann/work-%user%");
/// # Ok::<(), keyward_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Expander {
    places: Places,
    /// The store's name, as in the name of its file, and its id.
    store: Option<(String, String)>,
    uid: Option<u32>,
}

impl Expander {
    /// Returns an expander for one store.
    pub fn new(places: &Places, store: &StoreName, id: StoreId) -> Self {
        let store = Some((store.file_stem(), id.to_string()));
        Self { places: places.clone(), store, uid: None }
    }

    /// Returns an expander for key sources that belong to no store.
    pub fn without_store(places: &Places) -> Self {
        Self { places: places.clone(), store: None, uid: None }
    }

    /// Returns the same expander, for the place of one user of a system store.
    #[must_use]
    pub fn for_uid(mut self, uid: u32) -> Self {
        self.uid = Some(uid);
        self
    }

    /// Returns the text, expanded.
    ///
    /// # Errors
    /// [`Invalid`](keyward_core::ErrorKind::Invalid) for an unknown placeholder, or a folder whose
    /// path is not UTF-8.
    pub fn text(&self, text: &str) -> Result<String> {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('%') {
            let (word, after) = after.split_once('%').ok_or_else(|| {
                Error::invalid("expand", "a single `%`").hint("Write `%%` for the character itself")
            })?;
            expanded.push_str(before);
            match word {
                "" => expanded.push('%'),
                "user" => expanded.push_str("%user%"),
                "uid" => expanded.push_str(&self.uid()?.to_string()),
                "id" => expanded.push_str(&self.store(word)?.1),
                "store" => expanded.push_str(&self.store(word)?.0),
                "home" => expanded.push_str(utf8(&self.places.home)?),
                "config" => expanded.push_str(utf8(&self.places.config)?),
                "data" => expanded.push_str(utf8(&self.places.data)?),
                "state" => expanded.push_str(utf8(&self.places.state)?),
                _ => {
                    return Err(Error::invalid(
                        "expand",
                        format!("`%{}%` is not known", printable(word)),
                    )
                    .hint("Use one of: %id%, %store%, %data%, %state%, %config%, %home%, %user%"));
                }
            }
            rest = after;
        }
        expanded.push_str(rest);
        Ok(expanded)
    }

    fn store(&self, word: &str) -> Result<&(String, String)> {
        self.store.as_ref().ok_or_else(|| {
            Error::invalid("expand", format!("`%{word}%` can only be used in the file of a store"))
        })
    }

    fn uid(&self) -> Result<u32> {
        self.uid
            .ok_or_else(|| Error::invalid("expand", "`%uid%` can only be used in system stores"))
    }

    /// Returns the values of a backend, checked against its table, with its defaults, and expanded.
    ///
    /// `locate` adds the place of a wrong option to its error.
    ///
    /// # Errors
    /// As [`Values::complete`] and [`text`](Self::text).
    pub fn values(
        &self,
        values: &Values,
        table: &[OptionSpec],
        locate: impl FnOnce(OptionError) -> Error,
    ) -> Result<Values> {
        let mut values = values.clone();
        for spec in table.iter().filter(|spec| spec.kind == OptionType::Number) {
            if values.get(spec.name) == Some(&Value::Text("%uid%".into())) {
                values.insert(spec.name, Value::Number(self.uid()?.into()));
            }
        }
        let mut expanded = Values::new();
        for (name, value) in values.complete(table).map_err(locate)?.iter() {
            let is_path =
                table.iter().any(|spec| spec.name == name && spec.kind == OptionType::Path);
            expanded.insert(name, self.value(value, is_path)?);
        }
        Ok(expanded)
    }

    /// Returns a value, expanded. The options of a reference are expanded when it is resolved.
    fn value(&self, value: &Value, is_path: bool) -> Result<Value> {
        Ok(match value {
            Value::Text(text) => match text.strip_prefix("~/").filter(|_| is_path) {
                Some(rest) => Value::Text(self.text(&format!("%home%/{rest}"))?),
                None => Value::Text(self.text(text)?),
            },
            Value::List(texts) => {
                Value::List(texts.iter().map(|text| self.text(text)).collect::<Result<_>>()?)
            }
            _ => value.clone(),
        })
    }
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Error::invalid("expand", "a folder's name is not UTF-8"))
}
