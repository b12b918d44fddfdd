#!/bin/sh
# The pages are tested in a real browser. Where there is none, Debian's Chromium is installed if this user may do that;
# if not, those tests say what is missing. Its shell without windows takes a third less of the processor.
if [ -n "$PATHWAYS_CHROMIUM" ]; then exit; fi
for name in chromium-headless-shell chromium chromium-browser google-chrome; do
    if command -v $name > /dev/null; then exit; fi
done
if ! command -v apt-get > /dev/null; then exit; fi
if [ "$(id -u)" = 0 ]; then sudo=; elif sudo -n true 2> /dev/null; then sudo="sudo -n"; else exit 0; fi
echo "Installing Chromium, once, to test the pages in ..."
apt="$sudo env DEBIAN_FRONTEND=noninteractive apt-get -qq"
$apt update
for name in chromium-headless-shell chromium; do
    if $apt install --no-install-recommends $name fonts-liberation > /dev/null; then exit; fi
done
echo "Chromium could not be installed; the tests of the pages will fail."
