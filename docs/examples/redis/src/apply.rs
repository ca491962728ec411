//! Changes of entries: one, or many at once.

use keyward_plugin::{
    Bulk, BulkLimits, EntryId, Error, ErrorKind, Expect, Operation, Put, Result, Revision, random,
};

use crate::script::APPLY;
use crate::storage::{REVISION, Redis, member};

/// The server does nothing else during a script, so one call must not take long.
const LIMITS: BulkLimits = BulkLimits::new(Some(500), Some(32 << 20));

/// The greatest time of Redis's, in seconds.
const LAST: u64 = i64::MAX as u64 / 1000;

impl Bulk for Redis {
    fn apply(&self, operations: &[Operation<'_>]) -> Result<Vec<Option<Revision>>> {
        let size = |operation: &Operation<'_>| match operation {
            Operation::Put(_, blob, _) => blob.len(),
            _ => 0,
        };
        let bytes: usize = operations.iter().map(size).sum();
        if Some(operations.len()) > LIMITS.operations || Some(bytes) > LIMITS.bytes {
            return Err(Error::new(ErrorKind::Unsupported, "bulk"));
        }
        self.make("bulk", operations)
    }

    fn limits(&self) -> BulkLimits {
        LIMITS
    }
}

impl Redis {
    /// Makes all of these changes or none, and returns the revision of each put.
    ///
    /// This storage draws the revisions itself, and a random number for the call. So it can make the
    /// call again if it does not get the answer.
    pub(crate) fn make(
        &self,
        operation: &'static str,
        operations: &[Operation<'_>],
    ) -> Result<Vec<Option<Revision>>> {
        let mut script = APPLY.key(self.keys.index());
        script.key(self.keys.done(random()?));
        let mut revisions = Vec::new();
        for change in operations {
            let (id, blob, put) = match change {
                Operation::Put(id, blob, put) => (*id, Some(*blob), put.clone()),
                Operation::Delete(id, expect) => (*id, None, Put::expecting(expect.clone())),
                _ => return Err(Error::new(ErrorKind::Unsupported, operation)),
            };
            revisions.push(self.add(&mut script, operation, id, blob, &put)?);
        }
        if operations.is_empty() {
            return Ok(revisions);
        }
        let answer: String = self.server.run(operation, |connection| script.invoke(connection))?;
        match answer.as_str() {
            "done" => Ok(revisions),
            "missing" => Err(Error::not_found(operation)),
            _ => Err(Error::new(ErrorKind::Conflict, operation)),
        }
    }

    /// Adds a put, or a delete if there is no blob. Returns the new revision.
    fn add(
        &self,
        script: &mut redis::ScriptInvocation<'_>,
        operation: &'static str,
        id: &EntryId,
        blob: Option<&[u8]>,
        put: &Put,
    ) -> Result<Option<Revision>> {
        let (expect, expected) = match &put.expect {
            Expect::Any => ("any", &[][..]),
            Expect::Absent => ("absent", &[][..]),
            Expect::Revision(revision) => ("revision", revision.as_bytes()),
            _ => return Err(Error::new(ErrorKind::Unsupported, operation)),
        };
        let new = match blob {
            Some(_) => Some(Revision::new(&random::<REVISION>()?)?),
            None => None,
        };
        let expires = put.expires.filter(|time| time.as_unix() <= LAST);
        let expires = expires.map(|time| (time.as_unix() * 1000).to_string());
        script
            .key(self.keys.entry(id))
            .arg(member(id))
            .arg(expect)
            .arg(expected)
            .arg(new.as_ref().map_or(&[][..], Revision::as_bytes))
            .arg(blob.unwrap_or_default())
            .arg(expires.unwrap_or_default());
        Ok(new)
    }
}
