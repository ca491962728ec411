//! `run`: a program with secrets.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::references::with_mail;
use crate::helpers::home::Home;
use crate::helpers::program::keyward;

/// `keyward run` with options, and a script.
#[track_caller]
fn run(home: &Home, options: &str, script: &str) -> crate::helpers::invocation::Finished {
    home.keyward("run").args(options.split_whitespace()).args(["--", "sh", "-c", script]).run()
}

#[test]
fn a_variable_gets_its_value() {
    let home = with_mail();
    let ran =
        run(&home, "--env P=keyward://s/mail --env U=keyward://-/mail/username", "echo $U $P");
    ran.ends(0).prints("ann s3cret\n").says_nothing();
}

#[test]
fn references_in_files_and_in_the_environment_are_replaced() {
    let home = with_mail();
    home.write(".env", "# comment\nexport A=keyward://s/mail\nB='$(touch ran)'\nC=c\n");
    home.write("more", "C=\"later\"\n");
    let program = home.keyward("run --env-file .env --env-file more");
    let program = program.env("D", "keyward://s/mail/username").env("E", "plain");
    let ran = program.args(["sh", "-c", "printf '%s|' \"$A\" \"$B\" \"$C\" \"$D\" \"$E\""]).run();
    ran.ends(0).prints("s3cret|$(touch ran)|later|ann|plain|");
    assert!(!home.path("ran").exists());
}

#[test]
fn nothing_starts_unless_everything_is_resolved() {
    let home = with_mail();
    home.write(".env", "A=keyward://s/first\nB=keyward://s/mail\nC=keyward://s/second\n");
    let refused = run(&home, "--env-file .env", "touch ran").ends(3).prints("");
    refused.says("keyward://s/first").says("keyward://s/second");
    for (options, code, why) in [
        ("--env A=keyward://t/mail", 2, "there is no store `t`"),
        ("--env A=hunter2", 2, "A: the reference does not begin with keyward://"),
        ("--env A", 2, "--env needs a name"),
        ("--env 1=keyward://s/mail", 2, "the name of a variable"),
        ("--env KEYWARD_USER=keyward://s/mail", 2, "a variable of Keyward itself"),
        ("--env A=keyward://s/mail --fd A=keyward://s/mail", 2, "A is set twice"),
        ("--env-file missing", 2, "missing: No such file"),
        ("--as nope=keyward://s/mail", 2, "there is no kind `nope`"),
        ("--as totp=keyward://s/mail", 2, "the record is of the kind `user-password`"),
    ] {
        let refused = run(&home, options, "touch ran").ends(code).says(why);
        assert!(!refused.err.contains("hunter2"), "{}", refused.err);
    }
    assert!(!home.path("ran").exists());
}

#[test]
fn a_file_may_not_steer_programs_unless_it_is_allowed_to() {
    let home = with_mail();
    for line in ["PATH=/evil", "LD_PRELOAD=/evil", "GIT_SSH=evil", "BASH_ENV=evil", "PYTHONPATH=."]
    {
        home.write(".env", line);
        let (name, _) = line.split_once('=').unwrap();
        run(&home, "--env-file .env", "touch ran").ends(4).says(&format!("--allow {name}"));
    }
    home.write(".env", "KEYWARD_USER=bob");
    run(&home, "--env-file .env --allow KEYWARD_USER", "touch ran").ends(2);
    assert!(!home.path("ran").exists());
    home.write(".env", "GIT_SSH=mine");
    run(&home, "--env-file .env --allow GIT_SSH", "echo $GIT_SSH").ends(0).prints("mine\n");
}

#[test]
fn the_program_gets_no_variable_of_keyward() {
    let home =
        with_mail().with("KEYWARD_VERBOSE_TEST", "x").with("OTHER", "y").with("LC_TIME", "C");
    let names = |options: &str| run(&home, options, "env | cut -d= -f1").ends(0).into_text();
    let all = names("--env P=keyward://s/mail");
    assert!(!all.contains("KEYWARD") && all.contains("OTHER"), "{all}");
    let mut clean: Vec<_> = all.lines().collect();
    clean.retain(|name| *name != "OTHER");
    let found = names("--clean --env P=keyward://s/mail");
    let mut found: Vec<_> = found.lines().collect();
    clean.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, clean);
}

#[test]
fn run_is_replaced_by_the_program() {
    let home = with_mail();
    let mut child = home
        .command(keyward())
        .args([
            "run",
            "--env",
            "P=keyward://s/mail",
            "--",
            "sh",
            "-c",
            "echo $$; ulimit -c; exit 41",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id();
    let output =
        child.wait().map(|status| (status, std::io::read_to_string(child.stdout.take().unwrap())));
    let (status, printed) = output.unwrap();
    let limit = Command::new("sh").args(["-c", "ulimit -c"]).output().unwrap();
    let limit = String::from_utf8(limit.stdout).unwrap();
    assert_eq!(printed.unwrap(), format!("{id}\n{limit}"));
    assert_eq!(status.code(), Some(41));
}

#[test]
fn a_program_that_does_not_start_has_the_exit_code_of_a_shell() {
    let home = with_mail();
    home.write("text", "no program");
    for option in ["--env", "--file"] {
        let value = "P=keyward://s/mail";
        home.keyward("run").args([option, value, "no-such-program"]).run().ends(127);
        home.keyward("run").args([option, value, "./text"]).run().ends(126);
    }
}

#[test]
fn a_descriptor_has_the_value_and_nothing_else_has() {
    let home = with_mail();
    let ran = run(&home, "--fd P=keyward://s/mail", "cat $P $P; env >e; echo x >>$P || echo");
    ran.ends(0).prints("s3crets3cret\n").says("I/O error");
    assert!(!home.read("e").contains("s3cret"));
}

/// What a run leaves below this home's folder for files.
fn left(home: &Home) -> Vec<PathBuf> {
    let Ok(folders) = fs::read_dir(home.path("run/keyward/files")) else { return Vec::new() };
    let paths = folders.map(|found| found.unwrap().path());
    paths.filter(|path| !path.file_name().unwrap().to_str().unwrap().starts_with('.')).collect()
}

#[test]
fn a_file_is_private_and_gone_afterwards() {
    let home = in_memory();
    let ran = run(&home, "--file P=keyward://s/mail", "cat $P; stat -c ' %a' $P; exit 7");
    ran.ends(7).prints("s3cret 600\n");
    assert_eq!(left(&home), Vec::<PathBuf>::new());
    run(&home, "--file P=keyward://s/mail", "kill -TERM $$").ends(143);
    assert_eq!(left(&home), Vec::<PathBuf>::new());
}

#[test]
fn a_file_outlives_neither_sigterm_nor_the_run_after_sigkill() {
    let home = in_memory();
    let (mut terminated, _input) = waiting(&home);
    signal(&terminated, Signal::TERM);
    assert_eq!(terminated.wait().unwrap().code(), Some(128 + 15));
    assert_eq!(left(&home), Vec::<PathBuf>::new());

    let (mut killed, _input) = waiting(&home);
    let folder = left(&home);
    signal(&killed, Signal::KILL);
    killed.wait().unwrap();
    assert_eq!(left(&home), folder);
    let (mut other, _input) = waiting(&home);
    let now = left(&home);
    assert_eq!(now.len(), 1);
    assert_ne!(now, folder);
    // A run that lives keeps its files.
    run(&home, "--file P=keyward://s/mail", "cat $P").ends(0).prints("s3cret");
    assert_eq!(left(&home), now);
    signal(&other, Signal::TERM);
    other.wait().unwrap();
}

/// The home of [`with_mail`], with the folder of the session in memory.
fn in_memory() -> Home {
    let home = Home::in_memory();
    home.keyward("init s --option key.from=file").run().ends(0);
    home.keyward("set s ann --name mail --stdin").input("s3cret").run().ends(0);
    home
}

/// A run with a file, whose program waits while its input is open.
fn waiting(home: &Home) -> (std::process::Child, std::process::ChildStdin) {
    let mut run = home.command(keyward());
    run.args(["run", "--file", "P=keyward://s/mail", "--", "sh", "-c", "echo; read x"]);
    let mut child = run.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut [0]).unwrap();
    let input = child.stdin.take().unwrap();
    (child, input)
}

fn signal(child: &std::process::Child, signal: Signal) {
    // Give the run the time to wait for its program.
    std::thread::sleep(Duration::from_millis(100));
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_kind_sets_the_variables_that_programs_read() {
    let home = with_mail();
    let store = home.store("s");
    let id = store.entry(None, Some("deploy")).unwrap();
    let record = keyward::Record::new("aws")
        .with("access_key_id", keyward_core::Field::open("AKIA"))
        .with("secret_access_key", keyward_core::Field::secret("s3cr3t"));
    store.put(&id, &record, keyward_core::Expect::Absent).unwrap();
    let script = "echo $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY";
    for name in ["keyward://s/deploy", "deploy"] {
        let ran = run(&home, &format!("--as aws={name}"), script);
        ran.ends(0).prints("AKIA s3cr3t\n");
    }
    let options = "--as aws=keyward://s/deploy --env AWS_ACCESS_KEY_ID=keyward://s/mail";
    run(&home, options, script).ends(0).prints("s3cret s3cr3t\n");
}

#[test]
fn a_secret_is_in_no_argument_and_only_in_the_programs_environment() {
    let home = with_mail();
    let traced = home
        .program("strace")
        .args(["-f", "-v", "-s", "65536", "-e", "trace=execve", "-o", "trace"])
        .arg(keyward())
        .args(["run", "--env", "P=keyward://s/mail", "--file", "F=keyward://s/mail"])
        .args(["--fd", "D=keyward://s/mail", "--", "sh", "-c", "true"]);
    traced.run().ends(0);
    let trace = home.read("trace");
    let with_secret: Vec<_> =
        trace.lines().filter(|line| line.contains("s3cret") && line.ends_with("= 0")).collect();
    assert_eq!(with_secret.len(), 1, "{trace}");
    let (arguments, environment) = with_secret[0].split_once("], [").unwrap();
    assert!(!arguments.contains("s3cret"), "{trace}");
    assert_eq!(environment.matches("s3cret").count(), 1, "{trace}");
}

#[test]
fn a_mask_on_request_hides_secrets_in_pipes() {
    let home = with_mail();
    let options = "--mask --env P=keyward://s/mail --env U=keyward://s/mail/username";
    let ran = run(&home, options, "echo $U:$P:; echo x$P$P >&2; exit 3");
    assert_eq!(ran.ends(3).prints("ann:<hidden>:\n").err, "x<hidden>\n");
    run(&home, options, "printf %s $P | base64; kill $$").ends(143).prints("<hidden>\n");
    run(&home, "--env P=keyward://s/mail", "echo $P").ends(0).prints("s3cret\n");
    // One pipe for both streams, with pieces of a secret from both.
    let script = format!(
        "{} run {options} -- sh -c 'printf s3c; printf re >&2; printf t:' 2>&1",
        keyward().display()
    );
    home.program("sh").args(["-c", &script]).run().ends(0).prints("<hidden>:");
}

#[test]
fn a_masked_program_notices_that_its_reader_is_gone() {
    let home = with_mail();
    let run = format!("{} run --mask --env P=keyward://s/mail", keyward().display());
    let script = format!("({run} -- yes; echo $? >code) | head -n 1");
    home.program("sh").args(["-c", &script]).run().ends(0).prints("y\n").says_nothing();
    assert_eq!(home.read("code"), "141\n");
}

#[test]
fn what_a_masked_program_leaves_behind_is_not_waited_for() {
    let home = with_mail();
    let ran = run(&home, "--mask --env P=keyward://s/mail", "sleep 60 & echo $!");
    let left = ran.ends(0).into_text();
    Command::new("kill").arg(left.trim()).status().unwrap();
}

#[test]
fn too_many_secrets_cannot_be_masked() {
    let home = with_mail();
    let secret = "x".repeat(40 << 10);
    home.keyward("set s ann --name long --stdin").input(secret).run().ends(0);
    let options = "--env P=keyward://s/long --file Q=keyward://s/long";
    run(&home, &format!("--mask {options}"), "exit 3").ends(2).says("Use --no-mask");
    run(&home, options, "exit 3").ends(3);
}

#[test]
fn a_kind_brings_nothing_of_another_credential() {
    let home = with_mail();
    let set = "set s --name deploy --kind aws --field access_key_id=AKIA --stdin";
    home.keyward(set).input("s3cr3t").run().ends(0);
    let home =
        home.with("AWS_SESSION_TOKEN", "of another").with("AWS_ACCESS_KEY_ID", "keyward://s/x");
    let script = "echo $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY $AWS_SESSION_TOKEN";
    run(&home, "--as aws=deploy", script).ends(0).prints("AKIA s3cr3t\n");
    run(&home, "--as aws=deploy --as aws=deploy", script).ends(2).says("is set twice");
    run(&home, "--as aws=mail", script).ends(2).says("user-password");
}

#[test]
fn a_kind_is_found_in_the_environment() {
    let home = with_mail()
        .with("KEYWARD_CREDENTIAL_CI_ACCESS_KEY_ID", "AKIA")
        .with("KEYWARD_CREDENTIAL_CI_SECRET_ACCESS_KEY", "s3cr3t");
    let ran = run(&home, "--as aws=ci", "echo $AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY");
    ran.ends(0).prints("AKIA s3cr3t\n");
}

#[test]
fn files_are_written_to_no_place_that_a_link_leads_to() {
    let home = in_memory();
    let elsewhere = home.path("elsewhere");
    fs::create_dir_all(elsewhere.join("private")).unwrap();
    fs::write(elsewhere.join("private/key"), "precious").unwrap();
    for folder in [&elsewhere, &elsewhere.join("private")] {
        fs::set_permissions(folder, PermissionsExt::from_mode(0o700)).unwrap();
    }
    fs::create_dir_all(home.path("run/keyward")).unwrap();
    symlink(&elsewhere, home.path("run/keyward/files")).unwrap();
    run(&home, "--file P=keyward://s/mail", "touch ran").ends(4);
    assert_eq!(home.read("elsewhere/private/key"), "precious");
    assert!(!home.path("ran").exists());
}

#[test]
fn a_foreign_folder_beside_those_of_runs_stays() {
    let home = in_memory();
    run(&home, "--file P=keyward://s/mail", "true").ends(0);
    let foreign = home.path("run/keyward/files/mine");
    fs::create_dir(&foreign).unwrap();
    fs::set_permissions(&foreign, PermissionsExt::from_mode(0o700)).unwrap();
    fs::write(foreign.join("key"), "precious").unwrap();
    run(&home, "--file P=keyward://s/mail", "true").ends(0);
    assert_eq!(fs::read(foreign.join("key")).unwrap(), b"precious");
}

#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let home = in_memory();
    let script = "trap '' HUP; exec \"$0\" run --file P=keyward://s/mail -- \
                  sh -c 'kill -HUP $PPID; sleep 0.1; kill -HUP $$; echo survived'";
    let shell = home.program("sh").args(["-c", script]).arg(keyward());
    shell.run().ends(0).prints("survived\n");
}

#[test]
fn without_a_terminal_an_interrupt_reaches_the_program() {
    let home = in_memory();
    let script = "trap 'echo caught; exit 5' INT; kill -INT $PPID; sleep 5 & wait $!";
    run(&home, "--file P=keyward://s/mail", script).ends(5).prints("caught\n");
}
