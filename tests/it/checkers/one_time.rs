//! `oathtool` makes the same codes.

use keyward_core::Timestamp;
use keyward_verifier::otp::match_code;

use crate::helpers::home::Home;

const SEED: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

const TIME: u64 = 1_700_000_017;

#[test]
fn the_codes_of_a_clock_are_those_of_oathtool() {
    let home = Home::in_memory();
    for algorithm in ["SHA1", "SHA256", "SHA512"] {
        for digits in ["6", "7", "8"] {
            for period in [30, 60] {
                let code = home
                    .program("oathtool")
                    .arg(format!("--totp={algorithm}"))
                    .args(["--base32", "--digits", digits, "--now", &format!("@{TIME}")])
                    .args(["--time-step-size", &format!("{period}s"), SEED])
                    .run()
                    .ends(0)
                    .into_text();
                let uri = format!(
                    "otpauth://totp/x?secret={SEED}&algorithm={algorithm}&digits={digits}&period={period}"
                );
                let matched = |time| {
                    let (uri, code) = (uri.as_str().into(), code.trim_end().into());
                    match_code(&uri, &code, Timestamp::from_unix(time), 1, None).unwrap()
                };
                let step = TIME / period;
                assert_eq!(matched(TIME), Some(step), "{uri}");
                assert_eq!(matched(TIME + period), Some(step), "{uri}");
                assert_eq!(matched(TIME + 2 * period), None, "{uri}");
            }
        }
    }
}

#[test]
fn the_codes_of_a_counter_are_those_of_oathtool() {
    let home = Home::in_memory();
    let oathtool = home.program("oathtool").args(["--hotp", "--base32", "--counter", "7"]);
    let codes = oathtool.args(["--window", "4", SEED]).run().ends(0).into_text();
    let uri = format!("otpauth://hotp/x?secret={SEED}&counter=7").as_str().into();
    let mut last = None;
    for (step, code) in (7..).zip(codes.lines()) {
        let now = Timestamp::from_unix(0);
        assert_eq!(match_code(&uri, &code.into(), now, 3, last), Ok(Some(step)));
        assert_eq!(match_code(&uri, &code.into(), now, 3, Some(step)), Ok(None));
        last = Some(step);
    }
    assert_eq!(last, Some(11));
}
