"""Fails if a crate that dewar's users build asks for a newer Rust than dewar promises.

Only one toolchain is at hand, so this reads what every crate in Cargo.lock states of itself; what
dewar's own code uses of the standard library is held by clippy's `incompatible_msrv`.
Dependencies of tests do not count: users never build them.
"""

import json
import subprocess
import sys


def main():
    command = ["cargo", "metadata", "--locked", "--all-features", "--format-version", "1"]
    metadata = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    published = [i for i in metadata["workspace_members"] if packages[i]["publish"] != []]
    unstated = [packages[i]["name"] for i in published if not packages[i]["rust_version"]]
    promised = min(map(version, (packages[i] for i in published)))
    reached = reach(published, {node["id"]: node for node in metadata["resolve"]["nodes"]})
    newer = [packages[i] for i in reached if version(packages[i]) > promised]

    for name in unstated:
        print(f"{name}: state rust-version")
    for package in newer:
        print(f"{package['name']} {package['version']} needs Rust {package['rust_version']}")
    print(f"{len(reached)} crates, Rust {'.'.join(map(str, promised))}")
    sys.exit(bool(unstated or newer))


def version(package):
    stated = package["rust_version"] or "1.0"
    return tuple(map(int, stated.split(".")[:2]))


def reach(start, nodes):
    seen, waiting = set(), list(start)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            dependencies = nodes[node]["deps"]
            waiting += [d["pkg"] for d in dependencies if any(k["kind"] != "dev" for k in d["dep_kinds"])]
    return seen


main()
