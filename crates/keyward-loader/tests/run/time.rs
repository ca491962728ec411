//! How long is waited, by whom, and for what.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use keyward_core::{ErrorKind, Expect, Put};
use keyward_testkit::TestHost;

use crate::child::{Script, ann};

#[test]
fn a_caller_without_time_does_not_wait_until_others_have_written() {
    let mut script = Script::new(
        "hello()
opened(read()); opened(read())
while not os.path.exists(sys.argv[0] + '.go'): time.sleep(0.01)
while True:
    m = read()
    if m['call'] == 'put': answer(m, revision=b'1')
    else: answer(m)",
    );
    script.command = script.command.patience(Duration::from_secs(5));
    let hurried = Arc::new(TestHost::new().within(Duration::from_millis(100)));
    let (hurried, patient) = (script.storage_for(&hurried).unwrap(), script.storage());
    thread::scope(|scope| {
        let put = scope.spawn(|| {
            // More than the pipe holds.
            patient.put(&ann(), &vec![7; 1 << 20], &Put::expecting(Expect::Any))
        });
        thread::sleep(Duration::from_millis(200));
        let error = hurried.get(&ann()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().ends_with("did not answer in the time that remained"), "{error}");
        fs::write(script.beside("child.py.go"), "").unwrap();
        put.join().unwrap().unwrap();
    });
}
