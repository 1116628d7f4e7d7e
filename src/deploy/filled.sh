if [ ! -f "$0" ]; then
    echo "no report: save the recipe as a file, and fill in its names" >&2
    exit
fi
left=$(grep -v '^ *#' "$0" | grep -oE '[Y]OUR_(@NAMES@)' | sort -u) || true
if [ -n "$left" ]; then
    echo "no report: fill in" $left >&2
    exit
fi
