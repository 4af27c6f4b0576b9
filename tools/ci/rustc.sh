#!/bin/sh
# cargo's RUSTC_WORKSPACE_WRAPPER in `make test`: compiles each of our crates with clippy, warnings as errors, and
# builds the documentation of each library. So dependencies are compiled once. Separate runs of `cargo clippy` and
# `cargo doc` would check them again, which takes a third of the build time.
#   $1      rustc, as cargo calls it
#   $2 …    its arguments
set -eu
clippy-driver "$@" -D warnings
case " $* " in
*" --crate-name ken"*" --crate-type lib "* | *" --crate-name ken"*" --crate-type rlib "*) ;;
*) exit 0 ;;
esac
shift
n=$#
while [ "$n" -gt 0 ]; do
    argument=$1
    shift
    n=$((n - 1))
    case $argument in
    # Options that rustdoc shares with rustc, each with its value.
    --crate-name | --cfg | --check-cfg | -L | --extern | --cap-lints)
        set -- "$@" "$argument" "$1"
        shift
        n=$((n - 1))
        ;;
    --out-dir)
        out=$1
        shift
        n=$((n - 1))
        ;;
    --edition=* | --cfg=* | --extern=* | --check-cfg=* | *.rs) set -- "$@" "$argument" ;;
    --crate-type | --emit | -C | --error-format | --json | --diagnostic-width)
        shift
        n=$((n - 1))
        ;;
    *) ;;
    esac
done
exec rustdoc "$@" -D warnings -o "$out/../../doc"
