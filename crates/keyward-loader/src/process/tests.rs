//! Checks that each limit in `docs/plugin-protocol.md` is the one that the code uses.

use super::*;

const SPECIFICATION: &str = include_str!("../../../../docs/plugin-protocol.md");

#[test]
fn the_specification_names_every_limit() {
    let text = SPECIFICATION.split_whitespace().collect::<Vec<_>>().join(" ");
    let seconds = |time: Duration| time.as_secs() as usize;
    for (limit, expected, words) in [
        (child::MAX_LINE, 1024, "lines cut at 1,024 bytes"),
        (hosts::MAX_SAID, 256 << 10, "no more than 256 KiB in all"),
        (running::MAX_STARTS, 8, "at most 8 times in an hour"),
        (seconds(running::PERIOD), 3600, "at most 8 times in an hour"),
        (crate::roles::MAX_PAGE, 4096, "at most 4,096 entries at once"),
        (seconds(client::START), 10, "answers within 10 s of its start"),
        (seconds(client::START), 10, "| start and `hello` | 10 s |"),
        (seconds(client::GRACE), 1, "It has 1 s for that"),
        (seconds(CALL_TIMEOUT), 30, "has no deadline | 30 s; `lock`: its `wait` more |"),
        (seconds(CALL_TIMEOUT), 30, "if it has not come after 30 s either"),
        (seconds(instance::CLOSE), 5, "| `close` | 5 s |"),
    ] {
        assert_eq!(limit, expected, "{words}");
        assert!(text.contains(words), "docs/plugin-protocol.md does not say: {words}");
    }
}
