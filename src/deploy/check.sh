# Nothing is made without the programs, and before the names are filled in.
for program in @PROGRAMS@; do
    if ! command -v "$program" >/dev/null; then
        echo "no report: \`$program\` is not installed here" >&2
        exit
    fi
done
