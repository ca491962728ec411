//! Help, completions and the version work even if nothing else does.

use crate::helpers::home::Home;

const COMMANDS: &[&str] = &[
    "init",
    "set",
    "get",
    "unset",
    "edit",
    "generate",
    "copy",
    "rename",
    "rm",
    "list",
    "info",
    "stat",
    "upload",
    "delete",
    "store",
    "account",
    "import",
    "setup",
    "helper",
    "backend",
    "config",
    "doctor",
    "completions",
    "man",
    "help",
];

/// Homes in which nothing that needs configuration works.
fn broken_homes() -> [Home; 2] {
    let refused = Home::new();
    refused.write(".config/keyward/config.toml", "not = toml = at all");
    let nowhere = Home::new();
    [refused, nowhere]
}

#[test]
fn help_needs_no_configuration() {
    let [broken, nowhere] = broken_homes();
    broken.keyward("list").run().ends(2);
    let mut lines = vec![String::from("--help"), "-h".into(), "--version".into(), "help".into()];
    for command in COMMANDS {
        lines.push(format!("{command} --help"));
        lines.push(format!("{command} -h"));
        lines.push(format!("help {command}"));
    }
    lines.push("completions bash".into());
    lines.push("man".into());
    for line in lines {
        let first = broken.keyward(&line).run().ends(0).says_nothing();
        assert!(first.out.len() > 5 && first.out.ends_with(b"\n"), "{line}");
        nowhere
            .keyward(&line)
            .env("HOME", "relative")
            .run()
            .ends(0)
            .says_nothing()
            .prints(first.out);
    }
}

#[test]
fn help_of_every_command_shows_an_example() {
    let home = Home::new();
    let root = home.keyward("--help").run().ends(0);
    for command in COMMANDS {
        assert!(root.text().contains(&format!("\n  {command} ")), "{command} is not listed");
        let help = home.keyward(&format!("{command} --help")).run().ends(0);
        assert!(help.text().contains("Example:\n  "), "{command}: {}", help.text());
        assert!(help.text().contains(&format!("keyward {command}")), "{command}: {}", help.text());
    }
}

#[test]
fn every_example_in_help_is_understood() {
    let home = Home::new();
    for command in COMMANDS {
        let help = home.keyward(&format!("{command} --help")).run().ends(0);
        let examples = help.text().split("Example:\n").nth(1).unwrap();
        for example in examples.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let ran = home
                .program("sh")
                .args(["-c", example])
                .env("PATH", path_with_program())
                .env("EDITOR", "true")
                .run();
            for word in ["Usage:", "unexpected argument", "not found"] {
                assert!(!ran.err.contains(word), "{example}: {}", ran.err);
            }
        }
    }
}

fn path_with_program() -> String {
    let programs = crate::helpers::program::keyward();
    format!("{}:/usr/local/bin:/usr/bin:/bin", programs.parent().unwrap().display())
}

#[test]
fn the_version_is_one_line() {
    let version = concat!("keyward ", env!("CARGO_PKG_VERSION"), "\n");
    for flag in ["--version", "-V"] {
        Home::new().keyward(flag).run().ends(0).prints(version);
    }
}

#[test]
fn topics_are_there_and_others_are_named() {
    let home = Home::new();
    for topic in
        ["guide", "configuration", "exit-codes", "threat-model", "envelope", "writing-a-backend"]
    {
        let page = home.keyward(&format!("help {topic}")).run().ends(0).says_nothing();
        assert!(page.text().starts_with("# "), "{topic}: {}", page.text());
    }
    home.keyward("help nope").run().ends(2).prints("").says("exit-codes");
}

#[test]
fn the_guide_is_written_as_html() {
    let home = Home::new();
    home.keyward("help --write-html share/doc").run().ends(0).prints("").says_nothing();
    let guide = home.read("share/doc/guide.html");
    assert!(guide.starts_with("<!doctype html>"), "{guide}");
    assert!(!guide.contains("<!--"), "{guide}");
    for page in std::fs::read_dir(home.path("share/doc")).unwrap() {
        let page = page.unwrap().path();
        let text = std::fs::read_to_string(&page).unwrap();
        for link in text.split("<a href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            if link.starts_with("https://") {
                continue;
            }
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { page.clone() } else { page.with_file_name(file) };
            let target = std::fs::read_to_string(&file).unwrap_or_default();
            let is_there = heading.is_empty() || target.contains(&format!(" id=\"{heading}\""));
            assert!(!target.is_empty() && is_there, "{}: {link}", page.display());
        }
    }
}

#[test]
fn without_a_package_no_page_is_opened() {
    let home = Home::new();
    let open = |line: &str| home.keyward(line).env("BROWSER", "cat").run().ends(2).prints("");
    open("help --html").says("no package").says("--write-html");
    open("help --html nope").says("there is no topic");
}

#[test]
fn a_pager_is_for_terminals() {
    let home = Home::new();
    let pager = home.write("pager", "cat >\"$HOME/paged\"");
    let pager = format!("sh {}", pager.display());
    home.keyward("help").env("PAGER", &pager).run().ends(0);
    assert!(!home.path("paged").exists());
    let line = format!("{} help guide", crate::helpers::program::keyward().display());
    home.program("script").args(["-qec", &line, "/dev/null"]).env("PAGER", &pager).run().ends(0);
    let page = home.keyward("help guide").run().ends(0);
    assert_eq!(home.read("paged").trim_end(), page.text().trim_end());
}

#[test]
fn shells_accept_the_completions() {
    let home = Home::new();
    for (shell, check, installed) in [
        ("bash", "-n", true),
        ("zsh", "-n", found(&home, "zsh")),
        ("fish", "-n", found(&home, "fish")),
    ] {
        let script = home.keyward(&format!("completions {shell}")).run().ends(0).says_nothing();
        assert!(script.text().contains("keyward"), "{shell}");
        let path = home.write(&format!("completions.{shell}"), &script.out);
        if installed {
            home.program(shell).arg(check).arg(path).run().ends(0).says_nothing();
        }
    }
    home.keyward("completions nope").run().ends(2);
}

#[test]
fn bash_completes_a_command() {
    let home = Home::new();
    let script = home.keyward("completions bash").run().ends(0);
    home.write("completions", &script.out);
    let ask = "source completions; COMP_WORDS=(keyward conf); COMP_CWORD=1; _keyward keyward conf keyward; echo \"${COMPREPLY[@]}\"";
    home.program("bash").args(["-c", ask]).run().ends(0).prints("config\n");
}

#[test]
fn every_command_has_a_page_in_the_manual() {
    let home = Home::new();
    home.keyward("man --all share/man1").run().ends(0).prints("").says_nothing();
    for command in COMMANDS {
        assert!(home.path(format!("share/man1/keyward-{command}.1")).exists(), "{command}");
    }
    for page in std::fs::read_dir(home.path("share/man1")).unwrap() {
        let man = home.program("man").args(["--warnings", "-l"]).arg(page.unwrap().path());
        let shown = man.env("MANPAGER", "cat").env("MAN_KEEP_STDERR", "1").run().ends(0);
        assert!(shown.says_nothing().text().contains("SYNOPSIS"));
    }
    let page = home.keyward("man store verify").run().ends(0);
    assert_eq!(page.text().trim_end(), home.read("share/man1/keyward-store-verify.1").trim_end());
    home.keyward("man nope").run().ends(2);
}

#[test]
fn what_is_no_command_is_a_usage_error() {
    let home = Home::new();
    for (line, says) in [
        ("", "Usage:"),
        ("-v", "command"),
        ("nope", "unrecognized subcommand"),
        ("gett s", "'get'"),
        ("get", "<STORE>"),
        ("get s --nope", "unexpected argument"),
        ("get s --pasword", "'--password'"),
        ("config", "Usage:"),
        ("config nope", "unrecognized subcommand"),
    ] {
        home.keyward(line).run().ends(2).prints("").says(says);
    }
}

fn found(home: &Home, program: &str) -> bool {
    home.program("sh").args(["-c", "command -v \"$1\"", "sh", program]).run().code == 0
}
