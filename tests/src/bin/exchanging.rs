//! The program `keyward` with an exchange whose service is the file `service` in the current folder.

use std::fs;
use std::io::Write;
use std::process::{ExitCode, abort};
use std::time::{Duration, SystemTime};

use keyward_core::{Error, ErrorKind, Field, Network, Record, Result, Timestamp};
use keyward_kinds::{Exchange, fields, names};

/// Makes a token of a password and the number of tokens that were made. The words in the file say
/// what else happens: a number is after how many seconds the token expires.
#[derive(Debug)]
struct Stamp;

keyward_kinds::register_exchange!(Stamp);

impl Exchange for Stamp {
    fn name(&self) -> &str {
        "stamp"
    }

    fn source_kind(&self) -> &str {
        names::USER_PASSWORD
    }

    fn kind(&self) -> &str {
        names::TOKEN
    }

    fn exchange(&self, source: &Record, _: &Network) -> Result<Record> {
        let failed = |error| Error::io("stamp", error);
        let minted = fs::File::options().create(true).append(true).open("minted");
        minted.and_then(|mut file| file.write_all(b".")).map_err(failed)?;
        let count = fs::read("minted").map_err(failed)?.len();
        let password = source.field(fields::PASSWORD).and_then(|field| field.value.expose_str());
        let token = format!("{}-{count}", password.unwrap_or_default());
        let mut record = Record::new(names::TOKEN).with(fields::TOKEN, Field::secret(token));
        for word in fs::read_to_string("service").map_err(failed)?.split_whitespace() {
            match word {
                "refuse" => return Err(Error::new(ErrorKind::Unauthorized, "stamp")),
                "down" => return Err(Error::new(ErrorKind::Unavailable, "stamp")),
                "lose" => return Err(Error::not_found("stamp")),
                "die" => abort(),
                "slow" => std::thread::sleep(Duration::from_millis(100)),
                "other" => record = record.with_kind(names::NOTE),
                _ => record = record.with_expires(Some(in_seconds(word))),
            }
        }
        Ok(record)
    }
}

fn in_seconds(number: &str) -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "a service has a clock")]
    let now = Timestamp::from(SystemTime::now());
    now.after(Duration::from_secs(number.parse().unwrap_or_default()))
}

fn main() -> ExitCode {
    keyward_cli::main()
}
