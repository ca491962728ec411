use keyward_testkit::core::wire::Wire;
use keyward_testkit::core::{
    Error, ErrorKind, Form, MAX_RECORD, Record, Result, Secret, Serializer,
};
use keyward_testkit::serializer::CASES;
use keyward_testkit::{Scratch, Subject, TestHost};

use crate::{catches_all, failing};
use Fault::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    RefusesEmptyRecords,
    DropsDerivations,
    DropsLastUse,
    TrimsText,
    CutsLargeValues,
    ReadsLessThanItWrites,
    DropsFieldExpiry,
    StopsAtTheEnd,
    FillsUp,
    PanicsOnGarbage,
    PanicsOnBadText,
    Dawdles,
    HasNoLimit,
    TakesFewItems,
    QuotesWhatItReads,
    ShowsTheLast,
}

#[test]
fn a_correct_serializer_passes() {
    assert_eq!(failing(CASES, || subject(None)), [].into());
}

#[test]
fn every_faulty_serializer_is_caught() {
    let garbled = [
        "no_bit_flip_does_harm",
        "no_garbage_does_harm",
        "small_inputs_that_claim_to_be_large_are_refused",
        "errors_quote_no_secret",
    ];
    let table: &[crate::Fault<'_, Fault>] = &[
        (
            RefusesEmptyRecords,
            &[
                "an_empty_record_comes_back",
                "every_truncation_is_refused",
                "trailing_bytes_are_refused",
                "any_record_comes_back?",
            ],
        ),
        (DropsDerivations, &["a_full_record_comes_back", "any_record_comes_back"]),
        (DropsLastUse, &["a_full_record_comes_back", "any_record_comes_back"]),
        (TrimsText, &["edge_values_come_back", "any_record_comes_back?"]),
        (CutsLargeValues, &["a_large_value_comes_back", "the_largest_record_comes_back"]),
        (ReadsLessThanItWrites, &["the_largest_record_comes_back"]),
        (DropsFieldExpiry, &["a_full_record_comes_back", "any_record_comes_back"]),
        (StopsAtTheEnd, &["trailing_bytes_are_refused"]),
        (FillsUp, &["every_truncation_is_refused"]),
        (PanicsOnGarbage, &garbled),
        (
            PanicsOnBadText,
            &[
                "no_bit_flip_does_harm",
                "no_garbage_does_harm",
                "small_inputs_that_claim_to_be_large_are_refused",
                "errors_quote_no_secret",
                "every_truncation_is_refused",
                "trailing_bytes_are_refused",
            ],
        ),
        (Dawdles, &["small_inputs_that_claim_to_be_large_are_refused"]),
        (HasNoLimit, &["too_large_a_record_is_refused"]),
        (TakesFewItems, &["too_many_items_are_refused"]),
        (QuotesWhatItReads, &["errors_quote_no_secret"]),
        (ShowsTheLast, &["debug_shows_no_secret"]),
    ];
    catches_all(CASES, subject, table);
}

fn subject(fault: Option<Fault>) -> Subject<dyn Serializer> {
    Subject::<dyn Serializer>::new(Scratch::new(), TestHost::new(), move |_| {
        Ok(Box::new(Json { fault }))
    })
}

/// JSON; correct except for its fault.
struct Json {
    fault: Option<Fault>,
}

impl std::fmt::Debug for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.has(ShowsTheLast) { "canary-7b3f" } else { "Json" })
    }
}

impl Json {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn spoil(&self, record: &mut Record) {
        match self.fault {
            Some(DropsDerivations) => record.derived_from = None,
            Some(DropsLastUse) => record.used = None,
            Some(DropsFieldExpiry) => {
                record.fields.values_mut().for_each(|field| field.expires = None);
            }
            Some(TrimsText) => {
                for field in record.fields.values_mut().filter(|field| field.form == Form::Text) {
                    field.value = Secret::from(field.value.expose_str().unwrap().trim_end());
                }
            }
            Some(CutsLargeValues) => {
                for field in record.fields.values_mut().filter(|field| field.form == Form::Bytes) {
                    field.value.truncate(
                        (1 << 20) - usize::from(field.value.expose().starts_with(b"\0\x01")),
                    );
                }
            }
            _ => {}
        }
    }
}

impl Serializer for Json {
    fn encode(&self, record: &Record) -> Result<Secret> {
        let unsupported = || Error::new(ErrorKind::Unsupported, "encode");
        let items = record.fields.len().max(record.labels.len()).max(record.origins.len());
        if (self.has(RefusesEmptyRecords)
            && record.fields.is_empty()
            && record.kind.is_empty()
            && items == 0)
            || (self.has(TakesFewItems) && items > 1000)
        {
            return Err(unsupported());
        }
        let mut record = record.clone();
        self.spoil(&mut record);
        let encoded = serde_json::to_vec(&Wire::from(&record)).map_err(|_| unsupported())?;
        if encoded.len() > MAX_RECORD && !self.has(HasNoLimit) {
            return Err(unsupported());
        }
        Ok(Secret::new(encoded))
    }

    fn decode(&self, bytes: &[u8]) -> Result<Record> {
        match self.fault {
            Some(PanicsOnGarbage) => assert!(bytes.is_empty() || bytes[0] == b'{'),
            Some(ReadsLessThanItWrites) if bytes.len() > MAX_RECORD - 1000 => {
                return Err(Error::corrupt("decode"));
            }
            Some(PanicsOnBadText) => drop(std::str::from_utf8(bytes).unwrap()),
            Some(Dawdles) if bytes.len() == 100_000 => {
                std::thread::sleep(std::time::Duration::from_millis(45));
            }
            _ => {}
        }
        let mut bytes = bytes.to_vec();
        if self.has(FillsUp)
            && bytes.ends_with(b"}")
            && serde_json::from_slice::<Wire<'_>>(&bytes).is_err()
        {
            bytes.push(b'}');
        }
        let mut stream = serde_json::Deserializer::from_slice(&bytes).into_iter::<Wire<'_>>();
        let corrupt = |why: serde_json::Error| match self.fault {
            Some(QuotesWhatItReads) => Error::corrupt("decode").because(why.to_string()),
            _ => Error::corrupt("decode"),
        };
        let wire = stream.next().ok_or_else(|| Error::corrupt("decode"))?.map_err(corrupt)?;
        let end = stream.byte_offset();
        if end < bytes.len() && !self.has(StopsAtTheEnd) {
            return Err(Error::corrupt("decode"));
        }
        Record::try_from(wire)
    }
}
