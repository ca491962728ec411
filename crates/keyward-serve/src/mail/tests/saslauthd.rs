use super::site;
use crate::testing::Site;

fn request(parts: [&str; 4]) -> Vec<u8> {
    let frame = |part: &str| {
        let length = u16::try_from(part.len()).unwrap().to_be_bytes();
        [&length[..], part.as_bytes()].concat()
    };
    parts.map(frame).concat()
}

async fn ask(site: &Site, parts: [&str; 4]) -> String {
    let answer = site.send("saslauthd", request(parts)).await.text;
    assert_eq!(usize::from(answer.as_bytes()[1]), answer.len() - 2);
    answer[2..].to_owned()
}

#[tokio::test]
async fn a_password_is_right_or_not() {
    let site = site("").await;
    assert_eq!(ask(&site, ["ann", "open sesame", "imap", "example.org"]).await, "OK");
    let wrong = ask(&site, ["ann", "wrong", "imap", ""]).await;
    assert_eq!(wrong, "NO authentication failed");
    for (user, password) in [("bob", "wrong"), ("", "wrong"), ("ann", ""), ("ann\0", "open sesame")]
    {
        assert_eq!(ask(&site, [user, password, "imap", ""]).await, wrong, "{user:?}");
    }
    std::fs::remove_file(site.path("users")).unwrap();
    let failed = ask(&site, ["ann", "open sesame", "imap", ""]).await;
    assert_eq!(failed, "NO the server cannot decide now");
}

#[tokio::test]
async fn what_is_no_request_gets_no_answer() {
    let site = site("[limits]\nidle = '200ms'\ndecision = '200ms'\n").await;
    let right = request(["ann", "open sesame", "imap", ""]);
    let long = request(["ann", &"x".repeat(5000), "imap", ""]);
    for bytes in [&[][..], &right[..right.len() - 1], &long] {
        assert_eq!(site.send("saslauthd", bytes).await.text, "");
    }
}
