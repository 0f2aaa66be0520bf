//! Who may know whom, and how much fits in a file.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Packages with their floor; arrows point down only. `dewar-testdata` stands outside: only tests
/// know it.
const FLOORS: [(&str, u8); 10] = [
    ("dewar-signing", 1),
    ("dewar", 2),
    ("dewar-stores", 3),
    ("dewar-web", 3),
    ("dewar-web-macros", 3),
    ("dewar-inspector", 3),
    ("dewar-examples", 3),
    ("dewar-cli", 4),
    ("flask-dewar", 4),
    ("dewar-testdata", 0),
];

/// What each file of this crate may name of it, group by group: a name stands in its own group or
/// in one above it. A room knows what it is handed by the one before, never the room after the
/// next.
const MAY_NAME: [&[(&str, &str)]; 5] = [
    // Values, and what is decided over values alone.
    &[
        ("clock", ""),
        ("cookie", ""),
        ("delta", "error"),
        ("error", "store"),
        ("id", ""),
        ("lifetime", ""),
        ("outage", ""),
        ("plan", ""),
        ("rotation", ""),
        ("store", "clock id sync"),
        ("sync", ""),
        ("user", "id store"),
        ("vary", ""),
        ("verdict", ""),
        ("weak_keys", ""),
    ],
    // Configuration.
    &[
        ("event", "error id plan store verdict"),
        ("queue", "id store sync"),
        ("write_ids", "id store"),
        ("breaker", "store sync"),
        ("calls", "breaker event id store"),
        ("backend", "breaker calls clock event id outage plan queue store user verdict write_ids"),
        ("ending", "calls event id store"),
        ("config", "backend clock cookie event lifetime weak_keys"),
        ("keys", "config"),
    ],
    // Rooms.
    &[
        ("contents", "delta error"),
        (
            "open",
            "backend config contents cookie error event id lifetime outage plan rotation store \
             verdict",
        ),
        ("users", "backend calls clock config ending event id lifetime open store user"),
        (
            "commit",
            "backend calls clock config contents delta ending error event id lifetime open plan \
             rotation store user users",
        ),
        (
            "slot",
            "backend calls clock commit config contents cookie error event open outage plan store \
             sync verdict",
        ),
        ("respond", "commit config cookie error slot vary"),
    ],
    // The handle.
    &[
        ("session", "config delta error event id open outage plan slot store user verdict"),
        ("flash", "delta session"),
        ("typed", "error session"),
    ],
    // Doors.
    &[
        (
            "builder",
            "backend breaker clock config cookie event id layer lifetime outage queue store user \
             weak_keys write_ids",
        ),
        ("extract", "error session store typed"),
        ("layer", "backend builder config event service store users"),
        ("service", "config respond slot"),
    ],
];

const LINES_OF_A_FILE: usize = 400;
/// `call` and `poll` together: the future is written by hand, because boxing it would cost every
/// request.
const LINES_OF_A_SCREEN: usize = 45;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file below a folder with this ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The lines of a file that are code: no comments, and nothing behind `#[cfg(test)]`.
fn code(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let own = text.lines().take_while(|line| *line != "mod tests {");
    own.filter(|line| !line.trim_start().starts_with("//")).map(str::to_owned).collect()
}

fn is_test(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "tests.rs" || name == "models.rs")
}

/// `[section]` and the names of dewar's packages in it.
fn dependencies(manifest: &Path) -> Vec<(String, String)> {
    let mut section = String::new();
    let mut found = Vec::new();
    for line in fs::read_to_string(manifest).unwrap().lines() {
        if let Some(name) = line.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        }
        let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
        if section.ends_with("dependencies") && FLOORS.iter().any(|(package, _)| *package == name) {
            found.push((section.clone(), name.to_owned()));
        }
    }
    found
}

fn floor(package: &str) -> u8 {
    let known = FLOORS.iter().find(|(name, _)| *name == package);
    known.unwrap_or_else(|| panic!("give {package} a floor")).1
}

#[test]
fn arrows_between_packages_point_down_only() {
    let crates = fs::read_dir(workspace().join("crates")).unwrap();
    let mut manifests: Vec<_> = crates.map(|entry| entry.unwrap().path()).collect();
    manifests.push(workspace().join("examples"));
    assert!(manifests.len() >= 4);
    for folder in manifests {
        let manifest = folder.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        let name = text.lines().find_map(|line| line.strip_prefix("name = \"")).unwrap();
        let name = name.trim_end_matches('"');
        for (section, known) in dependencies(&manifest) {
            let for_tests = section.ends_with("dev-dependencies");
            match (known == "dewar-testdata", name == "dewar-testdata") {
                (true, _) => assert!(for_tests, "{name} knows {known} beyond its tests"),
                (_, true) => assert_eq!(known, "dewar-signing", "what {name} may know"),
                // Its own tests may ask for its features.
                _ if known == name => assert!(for_tests, "{name} knows itself"),
                _ => assert!(floor(&known) < floor(name), "{name} knows {known} on its own floor"),
            }
        }
    }
}

/// The modules of this crate that a file names: `use crate::a::…`, `use crate::{a, b::…}`,
/// `crate::a::…` in the code.
fn named(path: &Path) -> BTreeSet<String> {
    let text = code(path).join(" ");
    let mut names = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => names.extend(first_word(rest)),
            Some(group) => {
                let mut depth = 0;
                let mut item = true;
                for (i, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        ',' if depth == 0 => item = true,
                        c if item && c.is_alphabetic() => {
                            names.extend(first_word(&group[i..]));
                            item = false;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names
}

fn first_word(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    // `crate::Plan` names an export, in a doc link or a macro.
    let word = &text[..end];
    word.starts_with(|c: char| c.is_lowercase()).then(|| word.to_owned())
}

#[test]
fn no_room_knows_the_room_after_the_next() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    // The reading of `use` itself is sound.
    let known = ["config", "respond", "slot"].map(String::from);
    assert_eq!(named(&src.join("service.rs")), known.into());
    let mut seen = BTreeSet::new();
    for path in files(&src, "rs") {
        let inside = path.strip_prefix(&src).unwrap().with_extension("");
        let module = inside.iter().next().unwrap().to_str().unwrap().to_owned();
        if module == "lib" || is_test(&path) {
            continue;
        }
        let row = MAY_NAME.iter().flat_map(|group| *group).find(|(name, _)| *name == module);
        let allowed = row.unwrap_or_else(|| panic!("give {module} a row in the table")).1;
        seen.insert(module.clone());
        for name in named(&path) {
            let own = name == module;
            assert!(
                own || allowed.split_whitespace().any(|word| word == name),
                "{} names {name}",
                inside.display()
            );
        }
    }
    let mut above = BTreeSet::new();
    for group in MAY_NAME {
        above.extend(group.iter().map(|(module, _)| *module));
        for (module, allowed) in group {
            assert!(seen.contains(*module), "no file for the row of {module}");
            let below = allowed.split_whitespace().find(|name| !above.contains(name));
            assert_eq!(below, None, "{module} may not know it");
        }
    }
}

#[test]
fn what_decides_imports_nothing() {
    let plan = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/plan.rs");
    let imports: Vec<_> =
        code(&plan).into_iter().filter(|line| line.trim_start().starts_with("use ")).collect();
    assert_eq!(imports, Vec::<String>::new());
}

#[test]
fn no_file_is_too_long_and_none_unwraps() {
    let crates = workspace().join("crates");
    let mut checked = 0;
    for path in files(&crates, "rs") {
        let shown = path.strip_prefix(&crates).unwrap().display().to_string();
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LINES_OF_A_FILE, "{shown} has {lines} lines");
        if shown.contains("/src/") && !is_test(&path) && !shown.starts_with("dewar-testdata") {
            let unwraps = code(&path).iter().filter(|line| line.contains(".unwrap()")).count();
            assert_eq!(unwraps, 0, "{shown} unwraps");
        }
        checked += 1;
    }
    assert!(checked > 50, "{checked} files");
}

#[test]
fn the_flow_fits_on_a_screen() {
    let service = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/service.rs");
    let text = fs::read_to_string(service).unwrap();
    let from = text.find("    fn call(").expect("the service is called");
    let to = text.find("pin_project! {").expect("the future follows");
    let flow = &text[from..to];
    let lines = flow.lines().count();
    assert!(lines < LINES_OF_A_SCREEN, "{lines} lines");
    let steps = ["1 cookie", "2 verify, 3 open", "4 handler", "5 plan ▸ commit", "6 cookie"];
    let places = steps.map(|step| flow.find(step).unwrap_or_else(|| panic!("{step}")));
    assert!(places.is_sorted(), "out of order");
    let whole = text.lines().count();
    assert!(whole <= 120, "service.rs has {whole} lines");
}
