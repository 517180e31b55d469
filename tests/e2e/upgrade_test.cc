// SPDX-License-Identifier: GPL-2.0-or-later
//
// An operator's way from one cumulative payload to the next, and docs/xen-upgrade.md, which is its transcript: the page must be what
// happens, but for times, addresses and digests. HOTPATCH_WRITE_TRANSCRIPT=1 in the environment writes it anew.
#include <cstdlib>
#include <regex>
#include <sstream>
#include <vector>

#include <doctest/doctest.h>

#include "common/support/file.h"
#include "tests/e2e/e2e.h"

namespace hotpatch::e2e {
namespace {

struct Passage {
  const char* why;  // what is said before the command
  const char* command;
  int status = 0;
};

constexpr Passage kStory[] = {
    {"A fix comes in. It says who brought it, and why.", "xen-hotpatch load /payloads/fixes-1 --reason XSA-507"},
    {"It shall come back after a reboot, too.", "xen-hotpatch accept fixes-1"},
    {"", "xen-hotpatch status"},
    {"The next payload holds that fix and two more. What would be done?", "xen-hotpatch upgrade /payloads/fixes-2 --dry-run"},
    {"At no moment is the host without the first fix: one goes out and the other in at one barrier.",
     "xen-hotpatch upgrade /payloads/fixes-2 --reason 'XSA-507, and two more'"},
    {"Both of what it adds can be seen from here.", "cat /sys/hypervisor/version/extra /sys/hypervisor/properties/changeset"},
    {"", "xen-hotpatch list"},
    {"What lies in Xen is what was brought, by all that can be asked.",
     "xen-hotpatch show fixes-2 --compare | sed -n '/COMPARED/,$p'"},
    {"From now on it is the one for the next boot.", "xen-hotpatch forget fixes-1; xen-hotpatch accept fixes-2"},
    {"A second time changes nothing.", "xen-hotpatch upgrade /payloads/fixes-2"},
    {"The old payload is gone.", "xen-hotpatch revert fixes-1", 1},
    {"What this host went through:", "xen-hotpatch history"},
};

/// Without what is another each time.
std::string without_particulars(const std::string& text) {
  const std::string calm = std::regex_replace(text, std::regex("\\([^)]*barrier[^)]*\\)"), "()");  // and tries, if it was missed
  const std::string plain = std::regex_replace(calm, std::regex("[0-9][-0-9A-Za-z.:]*|[0-9a-f]{12,}"), "#");
  return std::regex_replace(plain, std::regex(" +|-{3,}"), " ");
}

TEST_CASE("the published transcript of an upgrade is what happens") {
  const std::string xsa = source_file("demo/xsa-507-pod-special-pages.patch").string();
  const std::string visible = source_file("demo/visible.patch").string();
  const std::string changeset = source_file("tests/e2e/patches/changeset.patch").string();
  Guest guest("upgrade-story");
  guest.add_payload("fixes-1", content_of(build_payload("fixes-1", {"--patch", xsa})));
  guest.add_payload("fixes-2", content_of(build_payload("fixes-2", {"--patch", xsa, "--patch", visible, "--patch", changeset})));
  std::vector<std::size_t> steps;
  for (const Passage& passage : kStory) steps.push_back(guest.add(std::string(passage.command) + " 2>&1"));
  guest.run();
  std::ostringstream page;
  page << "<!-- SPDX-License-Identifier: GPL-2.0-or-later -->\n# From one cumulative payload to the next\n\n"
       << "What happened on Debian 12's stock Xen, in QEMU. `tests/e2e/upgrade_test.cc` does it in each run of the tests, holds "
          "this page against "
          "it,\nand writes it anew with `HOTPATCH_WRITE_TRANSCRIPT=1`.\n";
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const Passage& passage = kStory[i];
    CHECK_MESSAGE(guest.status(steps[i]) == passage.status, guest.describe(steps[i]));
    page << "\n"
         << passage.why << (*passage.why == '\0' ? "" : "\n\n") << "```\n# " << passage.command << "\n"
         << guest.output(steps[i]) << "\n```\n";
  }
  const std::filesystem::path place = source_file("docs/xen-upgrade.md");
  if (std::getenv("HOTPATCH_WRITE_TRANSCRIPT") != nullptr) {
    REQUIRE(write_file(place, std::string_view(page.str())));
    return;
  }
  const Bytes published = content_of(place);
  const std::string text(as_text(published));
  CHECK_MESSAGE(without_particulars(text) == without_particulars(page.str()), page.str());
}

}  // namespace
}  // namespace hotpatch::e2e
