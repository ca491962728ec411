//! The entries behind [`Accounts`]: read, written and removed one by one.

use std::collections::{HashMap, HashSet};

use keyward_core::{Change, EntryId, MAX_NAME, Origin, Record, Result, Timestamp};
use keyward_origin::Location;

use crate::index::Index;
use crate::{Account, Accounts, Kinds, Unbound, occupied};

/// The entry with the name of the origin itself.
pub(super) enum OriginEntry {
    Absent,
    Index(Index),
    /// A record that is not an index: the record for the whole origin, or one that was not made by
    /// this module.
    Record(Box<Account>),
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum IfAbsent {
    Create,
    Leave,
}

/// The result of storing a record.
pub(super) struct Kept {
    pub(super) kind: String,
    pub(super) is_written: bool,
}

impl Accounts<'_> {
    /// Returns the account in the entry of exactly this name, whatever it contains.
    pub(super) fn read(&self, location: &Location) -> Result<Option<Account>> {
        let name = location.to_string();
        // No entry can have such a name.
        if name.len() > MAX_NAME {
            return Ok(None);
        }
        match self.source.get(&EntryId::new(self.user, Some(&name))?) {
            Ok(record) => Ok(Some(Account { location: location.clone(), record })),
            Err(error) if error.is_miss() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the record in the entry of each location; `None` also for one that does not open.
    pub(super) fn read_many(&self, locations: &[Location]) -> Result<Vec<Option<Record>>> {
        let ids: Vec<_> = locations.iter().map(|location| self.id(location).ok()).collect();
        let names: Vec<_> = ids.iter().flatten().cloned().collect();
        let mut records = self.source.get_many(&names)?.into_iter();
        Ok(ids.iter().map(|id| id.as_ref().and_then(|_| records.next()?.ok())).collect())
    }

    /// Returns the lists of the origins of these locations; without those that do not open.
    pub(super) fn indexes(&self, locations: &[Location]) -> Result<HashMap<Origin, Index>> {
        let origins: HashSet<_> = locations.iter().map(Location::origin).collect();
        let lists = origins.into_iter().map(origin_location);
        let lists = lists.collect::<Result<Vec<_>>>()?;
        let records = self.read_many(&lists)?.into_iter();
        let indexes = records.zip(&lists).filter_map(|(record, list)| {
            let index = Index::read(&record?, list.origin()).ok()??;
            Some((list.origin().clone(), index))
        });
        Ok(indexes.collect())
    }

    pub(super) fn read_fitting(
        &self,
        location: &Location,
        wanted: &Location,
        kinds: Kinds<'_>,
    ) -> Result<Option<Account>> {
        Ok(self.read(location)?.filter(|account| self.is_fitting(account, wanted, kinds)))
    }

    pub(super) fn origin_entry(&self, origin: &Origin) -> Result<OriginEntry> {
        let Some(account) = self.read(&origin_location(origin)?)? else {
            return Ok(OriginEntry::Absent);
        };
        Ok(match Index::read(&account.record, origin)? {
            Some(index) => OriginEntry::Index(index),
            None => OriginEntry::Record(Box::new(account)),
        })
    }

    /// Whether the account matches, and may be given to the origin that is asked for.
    pub(super) fn is_fitting(
        &self,
        account: &Account,
        wanted: &Location,
        kinds: Kinds<'_>,
    ) -> bool {
        let is_named =
            wanted.account().is_none_or(|name| account.username() == Some(name.as_bytes()));
        kinds.contains(&account.record.kind)
            && self.is_given(&account.record, wanted.origin())
            && wanted.origin() == account.location.origin()
            && wanted.path().is_none_or(|path| account.location.path() == Some(path))
            && is_named
    }

    pub(super) fn is_given(&self, record: &Record, origin: &Origin) -> bool {
        record.origins.contains(origin)
            || (record.origins.is_empty() && self.unbound == Unbound::Give)
    }

    /// Changes a record that belongs to the origin.
    pub(super) fn write(
        &self,
        id: &EntryId,
        origin: &Origin,
        now: Timestamp,
        change: &dyn Fn(Record) -> Result<Record>,
        if_absent: IfAbsent,
    ) -> Result<Option<Kept>> {
        let mut kept = None;
        self.source.update(id, &mut |old| {
            kept = None;
            let (old, is_new) = match old {
                Some(old) if self.is_given(&old, origin) => (old, false),
                Some(_) => return Err(occupied()),
                None if if_absent == IfAbsent::Leave => return Ok(Change::Leave),
                None => {
                    let fresh = Record::new("").with_origins(vec![origin.clone()]);
                    (fresh.with_created(now), true)
                }
            };
            let mut record = change(old.clone())?;
            let is_written = is_new || record != old;
            kept = Some(Kept { kind: record.kind.clone(), is_written });
            record.updated = now;
            Ok(if is_written { Change::Put(Box::new(record)) } else { Change::Leave })
        })?;
        Ok(kept)
    }

    /// Takes entries that do not exist off the list. An entry that another writer has made again
    /// meanwhile is listed again.
    pub(super) fn unlist_absent(&self, places: &[Location], now: Timestamp) -> Result<()> {
        let Some(origin) = places.first().map(Location::origin) else { return Ok(()) };
        self.unlist_all(origin, places, now)?;
        for place in places {
            if let Some(account) = self.read(place)? {
                let kind = &account.record.kind;
                self.change_index(origin, now, &mut |index| index.add(place, kind))?;
            }
        }
        Ok(())
    }

    fn unlist_all(&self, origin: &Origin, places: &[Location], now: Timestamp) -> Result<()> {
        self.change_index(origin, now, &mut |index| {
            index.remove(places);
            Ok(())
        })
    }

    /// Takes entries off the list, if there is one, and removes those that `is_selected` accepts.
    /// An entry that stays because it has changed meanwhile is listed again.
    pub(super) fn remove(
        &self,
        places: &[Location],
        is_listed: bool,
        now: Timestamp,
        is_selected: &dyn Fn(&Account) -> bool,
    ) -> Result<usize> {
        let Some(origin) = places.first().map(Location::origin) else { return Ok(0) };
        if is_listed {
            self.unlist_all(origin, places, now)?;
        }
        let mut removed = 0;
        for place in places {
            match self.remove_entry(place, is_selected)? {
                Removal::Done => removed += 1,
                Removal::Absent => {}
                Removal::Refused(kind) if is_listed => {
                    self.change_index(origin, now, &mut |index| index.add(place, &kind))?;
                }
                Removal::Refused(_) => {}
            }
        }
        Ok(removed)
    }

    fn remove_entry(
        &self,
        place: &Location,
        is_selected: &dyn Fn(&Account) -> bool,
    ) -> Result<Removal> {
        let mut removal = Removal::Absent;
        let id = self.id(place)?;
        self.source.update(&id, &mut |old| {
            let Some(record) = old else {
                removal = Removal::Absent;
                return Ok(Change::Leave);
            };
            let account = Account { location: place.clone(), record };
            let is_selected = is_selected(&account);
            removal = match is_selected {
                true => Removal::Done,
                false => Removal::Refused(account.record.kind),
            };
            Ok(if is_selected { Change::Remove } else { Change::Leave })
        })?;
        Ok(removal)
    }

    /// Removes lines without an entry that a look-up would read before any other line. A few of
    /// them would otherwise hide the accounts after them.
    pub(super) fn drop_dangling(&self, kept: &Location, kind: &str, now: Timestamp) -> Result<()> {
        let OriginEntry::Index(index) = self.origin_entry(kept.origin())? else { return Ok(()) };
        let wanted = Location::new(kept.origin().clone(), None, kept.path())?;
        let mut dangling = Vec::new();
        for location in index.candidates(&wanted, Kinds::Only(&[kind])) {
            if self.read(location)?.is_some() {
                break;
            }
            dangling.push(location.clone());
        }
        self.unlist_absent(&dangling, now)
    }

    /// # Errors
    /// [`Exists`](ErrorKind::Exists) if something else has the index's name.
    pub(super) fn change_index(
        &self,
        origin: &Origin,
        now: Timestamp,
        change: &mut dyn FnMut(&mut Index) -> Result<()>,
    ) -> Result<()> {
        self.source.update(&self.id(&origin_location(origin)?)?, &mut |old| {
            let before = match &old {
                Some(record) => Index::read(record, origin)?.ok_or_else(occupied)?,
                None => Index::default(),
            };
            let mut index = before.clone();
            change(&mut index)?;
            if index == before {
                return Ok(Change::Leave);
            }
            if index.is_empty() {
                return Ok(Change::Remove);
            }
            let record = old.unwrap_or_else(|| Record::new("").with_created(now));
            Ok(Change::Put(Box::new(index.write(record, origin).with_updated(now))))
        })
    }

    pub(super) fn id(&self, location: &Location) -> Result<EntryId> {
        EntryId::new(self.user, Some(&location.to_string()))
    }
}

/// The result of removing an entry.
enum Removal {
    Done,
    Absent,
    /// The caller did not want it removed. The kind of its record.
    Refused(String),
}

/// Returns the name of the origin itself.
fn origin_location(origin: &Origin) -> Result<Location> {
    Location::new(origin.clone(), None, None)
}
