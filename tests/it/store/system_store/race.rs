//! A user who changes the folder while root works in it.

use std::thread;
use std::time::{Duration, Instant};

use super::machine::{ALICE, BOB, Machine, ROOT, orderly};

/// How long root works against the user.
const WORK: Duration = Duration::from_secs(4);

/// Puts links, FIFOs and folders in the place of what root is about to use, and back.
const SWAP: &str = r#"
use POSIX;
my ($d, $f, $c, $w) = @ENV{qw(D F C HOME)};
my @places = ("$d/alice", "$d/.tmp", "$d/.locks", "$d/%", "$d/alice/%", "$d/%/keyset");
for (my $n = 0;; $n++) {
    my $place = $places[$n % @places];
    my $other = "$w/other";
    my $kind = int(rand(5));
    if ($kind == 0) { symlink $f, $other } elsif ($kind == 1) { symlink $c, $other }
    elsif ($kind == 2) { POSIX::mkfifo($other, 0600) } elsif ($kind == 3) { mkdir $other, 0700 }
    else { open my $h, '>', $other; chmod 0600, $other }
    rename $place, "$w/aside"; rename $other, $place;
    select undef, undef, undef, rand(0.0003) if $n % 3;
    rename $place, $other; rename "$w/aside", $place;
    unlink $other; rmdir $other;
    system "rm", "-rf", "$w/aside", $other if -e "$w/aside" or -l "$w/aside" or -e $other;
}"#;

/// Waits for the folder that root makes, and puts bob's in its place.
const USURP: &str = r#"
my ($d) = $ENV{D};
for (my $n = 0;; $n++) {
    if (rename "$d/alice", "$d/.x$n") { rename "/var/lib/shared/bobs", "$d/alice"; select undef, undef, undef, 0.05;
        rename "$d/alice", "/var/lib/shared/bobs"; system "rm", "-rf", "$d/.x$n", "$d/alice" }
}"#;

/// Makes entries as fast as possible.
const FLOOD: &str = r#"
for (my $n = 0;; $n++) { mkdir "$ENV{D}/flood", 0700; open my $h, '>', "$ENV{D}/flood/$n"; chmod 0600, "$ENV{D}/flood/$n" }
"#;

#[test]
fn a_folder_that_is_swapped_during_roots_work_has_no_effect() {
    let machine = Machine::with_store();
    let before = machine.canaries();
    let mut codes = [0; 9];
    against(&machine, SWAP, || {
        for line in [
            "get team --user alice",
            "set team ann --user alice --stdin",
            "list team --user alice",
            "store verify team --user alice",
            "store rotate team",
            "unset team --user alice",
            "store enroll team alice",
        ] {
            let ran = machine.keyward(ROOT, line).input("by root").run();
            orderly(&ran);
            codes[usize::try_from(ran.code).unwrap()] += 1;
        }
    });
    assert!(codes[0] > 0 && codes[4] > 0, "the race was none: {codes:?}");
    assert_eq!(machine.canaries(), before);
    machine.get(BOB, BOB).ends(0).prints("of bob");
    let mut fighter = fighter(&machine, SWAP);
    let removed = machine.keyward(ROOT, "rm team --yes").run();
    stop(&mut fighter);
    orderly(&removed);
    machine.keyward(ROOT, "rm team --yes").run();
    assert_eq!(machine.canaries(), before);
}

#[test]
fn a_folder_of_another_user_is_not_given_away() {
    let machine = Machine::with_store();
    let shared = "mkdir -m 777 /var/lib/shared; mkdir -m 777 /var/lib/shared/bobs; chown 4002 /var/lib/shared/bobs";
    machine.shell(ROOT, shared).run().ends(0);
    // Delays root between making the folder and opening it.
    let slowly = "echo x | strace -o /dev/null -e inject=mkdirat:delay_exit=20000 \
                  /var/lib/bin/keyward set team ann --user alice --stdin";
    let mut refused = false;
    let mut fighter = fighter(&machine, USURP);
    let started = Instant::now();
    // Her script must be in time once. On a busy machine, this takes longer.
    while !refused && started.elapsed() < 20 * WORK {
        let ran = machine.shell(ROOT, slowly).run();
        orderly(&ran);
        refused = ran.err.contains("leads out of its folder");
    }
    stop(&mut fighter);
    assert!(refused, "alice was never there in time");
    let found = "find /var/lib/shared /var/lib/keyward -name .x\\* -prune -o -type d -user 4002 -perm 777 -print";
    let found = machine.shell(ROOT, found).run().ends(0);
    assert_eq!(found.text().lines().count(), 1, "bob has lost his folder");
}

#[test]
fn rm_ends_though_new_entries_come_all_the_time() {
    let machine = Machine::with_store();
    let mut fighter = fighter(&machine, FLOOD);
    thread::sleep(Duration::from_millis(300));
    let removed = machine.keyward(ROOT, "rm team --yes").run();
    stop(&mut fighter);
    orderly(&removed);
    machine.keyward(BOB, "get team").run().ends(2);
}

/// Has root work again and again while alice runs this.
fn against(machine: &Machine, script: &str, mut work: impl FnMut()) {
    let mut fighter = fighter(machine, script);
    let started = Instant::now();
    while started.elapsed() < WORK {
        work();
    }
    assert!(fighter.try_wait().unwrap().is_none(), "the fight was over early");
    stop(&mut fighter);
}

fn fighter(machine: &Machine, script: &str) -> std::process::Child {
    machine.start(ALICE, &["perl", "-e", script])
}

fn stop(fighter: &mut std::process::Child) {
    fighter.kill().unwrap();
    fighter.wait().unwrap();
}
