//! Makes a plugin's table of any bytes, for fuzzing. Its numbers and texts are arbitrary, and its
//! pointers lead to such a table or nowhere.

use std::ffi::c_void;

use keyward_core::{Door, Error, Factory, Info, Open, Registration, Result};
use keyward_plugin::abi::{Backend, Export, MAGIC, MAJOR, OptionRow, Plugin, Slice};

use super::PluginTable;

/// Reads such a table and returns the names of its backends.
///
/// # Errors
/// Those of reading a library's table.
#[doc(hidden)]
pub fn read_any_table(bytes: &[u8]) -> Result<Vec<String>> {
    let mut any = Any(bytes);
    let rows: Vec<_> = (0..any.byte() % 4).map(|_| any.row()).collect();
    let options = Options { count: rows.len(), rows: laid_out(rows) };
    let backends: Vec<_> = (0..any.byte() % 4).map(|_| any.backend(&options)).collect();
    let nothing = |pointer| if any.0.first() == Some(&0xff) { std::ptr::null() } else { pointer };
    let pointers: Vec<_> = backends.iter().map(|it| nothing(std::ptr::from_ref(it))).collect();
    let plugin = Plugin {
        magic: any.or(MAGIC, u64::from),
        size: any.size::<Plugin>(),
        major: any.or(MAJOR, u16::from),
        minor: any.byte().into(),
        flags: any.byte().into(),
        package: any.text(),
        version: any.text(),
        backend_count: any.count(pointers.len(), 65),
        backends: any.pointer(&pointers),
    };
    // SAFETY: every pointer leads to as many bytes as the table says, or is not valid and refused;
    // every count and length that says more is above its limit.
    let table = unsafe { PluginTable::read(&raw const plugin) }?;
    Ok(table.backends.into_iter().map(|(announced, _)| announced.name).collect())
}

/// Rows as they are in memory, one after the other.
struct Options {
    rows: Vec<OptionRow>,
    count: usize,
}

/// A row that says it is twice as long is followed by as many more bytes, which this version does
/// not know.
fn laid_out(rows: Vec<OptionRow>) -> Vec<OptionRow> {
    let places = |row: OptionRow| if row.size == 2 * ROW { vec![row; 2] } else { vec![row] };
    rows.into_iter().flat_map(places).collect()
}

const ROW: u32 = size_of::<OptionRow>() as u32;

/// Bytes that decide which table is made.
struct Any<'a>(&'a [u8]);

impl Any<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// Returns the right value in most cases.
    fn or<T>(&mut self, right: T, wrong: impl FnOnce(u8) -> T) -> T {
        match self.byte() {
            0..200 => right,
            byte => wrong(byte),
        }
    }

    /// Returns a size for a table. Of a longer table, only the known part is read.
    fn size<T>(&mut self) -> u32 {
        let size = size_of::<T>() as u32;
        self.or(size, |byte| match byte % 3 {
            0 => size - u32::from(byte) % size,
            1 => size + u32::from(byte),
            _ => u32::MAX,
        })
    }

    /// Returns the right number, or more than the limit.
    fn count(&mut self, count: usize, too_many: usize) -> usize {
        self.or(count, |byte| if byte % 2 == 0 { too_many } else { usize::MAX })
    }

    /// Returns the right pointer, NULL, or a pointer from which nothing can be read.
    fn pointer<T>(&mut self, to: &[T]) -> *const T {
        let right = to.as_ptr();
        self.or(right, |byte| if byte % 2 == 0 { std::ptr::null() } else { odd(right) })
    }

    fn text(&mut self) -> Slice {
        let length = usize::from(self.byte());
        let (text, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        self.or(Slice::new(text), |byte| match byte % 3 {
            0 => Slice::NULL,
            1 => Slice { length: 5, ..Slice::NULL },
            _ => Slice { length: usize::MAX - length, ..Slice::new(text) },
        })
    }

    /// Makes a row. Its size says where the next row is, so every size that is accepted is the true
    /// one.
    fn row(&mut self) -> OptionRow {
        OptionRow {
            size: self.or(ROW, |byte| match byte % 4 {
                0 => u32::from(byte) % ROW,
                1 => ROW + 1 + u32::from(byte) % 7,
                2 => 2 * ROW,
                _ => u32::MAX - u32::from(byte),
            }),
            kind: self.or(0, u32::from),
            required: self.byte().into(),
            reserved: 0,
            name: self.text(),
            default_value: self.text(),
            help: self.text(),
            choices: std::ptr::null(),
            choice_count: self.or(0, usize::from),
        }
    }

    fn backend(&mut self, options: &Options) -> Backend {
        let role = u32::from(self.byte() % 7);
        let valid = valid_backend(role);
        Backend {
            size: self.size::<Backend>(),
            role,
            name: self.text(),
            help: self.text(),
            option_count: self.count(options.count, 257),
            options: self.pointer(&options.rows),
            methods: self.methods(&valid),
            open: self.or(valid.open, |_| None),
        }
    }

    /// Returns methods of a role, or a table that lacks them.
    fn methods(&mut self, valid: &Backend) -> *const c_void {
        self.or(valid.methods, |byte| match byte % 4 {
            0 => std::ptr::null(),
            1 => (&raw const SHORT).cast(),
            2 => odd(&raw const EMPTY).cast(),
            _ => (&raw const EMPTY).cast(),
        })
    }
}

/// Returns an address at which a table cannot be.
fn odd<T>(pointer: *const T) -> *const T {
    pointer.wrapping_byte_add(2)
}

/// A table that says it is too short.
static SHORT: [u64; 1] = [4];

/// A table that is long enough for every role, and has no function.
static EMPTY: [u64; 12] = [96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// A backend in each role, as a plugin in Rust exports them.
static VALID: Export = Export::new(&BACKENDS, "any", "0");

static BACKENDS: [Registration; 4] = [
    valid(Factory::Serializer(Open::Linked(|_, _| Err(Error::not_found("open"))))),
    valid(Factory::Encryption(Open::Linked(|_, _| Err(Error::not_found("open"))))),
    valid(Factory::Key(Open::Linked(|_, _| Err(Error::not_found("open"))))),
    valid(Factory::Storage(Open::Linked(|_, _| Err(Error::not_found("open"))))),
];

const fn valid(factory: Factory) -> Registration {
    Registration {
        info: Info::new("any", ""),
        per_user: None,
        options: &[],
        package: "any",
        version: "0",
        door: Door::Linked,
        factory,
    }
}

/// Returns the valid backend in the role of this number, or in another role if there is no such
/// role.
fn valid_backend(role: u32) -> Backend {
    // SAFETY: this program made the table, which is never freed and has four backends.
    unsafe {
        let plugin = &*VALID.table();
        let backends = std::slice::from_raw_parts(plugin.backends, plugin.backend_count);
        *backends[role.saturating_sub(1) as usize % backends.len()]
    }
}
