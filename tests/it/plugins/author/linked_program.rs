//! A program of another author, which links that author's backend: `tests/program`.

use crate::helpers::home::Home;

#[test]
fn a_backend_that_it_names_is_linked_into_it() {
    let home = Home::new();
    let own = crate::helpers::program::keyward().with_file_name("own");
    let own = |line: &str| home.program(own.to_str().unwrap()).args(line.split(' '));
    let listed = own("backend list --json").run().ends(0).says_nothing().json();
    let doors = |name: &str| -> Vec<_> {
        listed.iter().filter(|it| it["name"] == name).map(|it| it["door"].clone()).collect()
    };
    assert_eq!(doors("sample"), ["linked"]);
    assert_eq!(doors("sqlite"), ["linked"], "and what every program has");
    own("init s --storage sample --option key.from=file").run().ends(0);
    own("set s ann --stdin").input("s3cret").run().ends(0);
    own("get s -p").run().ends(0).prints("s3cret\n");
    home.keyward("get s -p").run().ends(2).says("there is no storage called `sample`");
}
