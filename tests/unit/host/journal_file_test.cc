// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/host/journal_file.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include <doctest/doctest.h>

#include "common/support/digest.h"
#include "common/support/file.h"

namespace hotpatch {
namespace {

struct Place {
  TempDir temp = *TempDir::make("hotpatch-journal");
  std::filesystem::path file = temp.path() / "journal.jsonl";

  void append(const std::string& body) const { REQUIRE(JournalFile::open(temp.path())->append(body)); }
  [[nodiscard]] JournalLines read() const { return *read_journal_lines(temp.path()); }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> all(1);
    const std::string text = *read_text_file(file);
    for (const char letter : text) {
      if (letter == '\n')
        all.emplace_back();
      else
        all.back() += letter;
    }
    all.pop_back();
    return all;
  }
  void write(const std::vector<std::string>& all) const {
    std::string text;
    for (const std::string& line : all) text += line + "\n";
    REQUIRE(write_file(file, std::string_view(text), 0600));
  }
};

TEST_CASE("lines are bound to each other by digests that anybody can compute") {
  const Place place;
  place.append(R"({"n":1})");
  place.append(R"({"n":2})");
  const std::string first = sha256_text(as_byte_view(std::string(64, '0') + R"({"n":1})"));
  const std::string second = sha256_text(as_byte_view(first + R"({"n":2})"));
  CHECK(place.lines() == std::vector<std::string>{R"({"n":1,"chain":")" + first + "\"}", R"({"n":2,"chain":")" + second + "\"}"});
  const JournalLines contents = place.read();
  CHECK(contents.lines == std::vector<std::string>{R"({"n":1})", R"({"n":2})"});
  CHECK(contents.misfits.empty());
  CHECK(contents.cut_off == 0);
  CHECK(contents.head == second);
}

TEST_CASE("a line that is altered, removed, put in or moved is told, and nothing behind it") {
  const Place place;
  for (const char* number : {"1", "2", "3", "4"}) place.append(std::string(R"({"n":)") + number + "}");
  const std::vector<std::string> good = place.lines();

  std::vector<std::string> altered = good;
  altered[1][5] = '7';
  place.write(altered);
  CHECK(place.read().misfits == std::vector<std::uint64_t>{2});
  CHECK(place.read().lines.size() == 4);

  std::vector<std::string> removed = good;
  removed.erase(removed.begin() + 1);
  place.write(removed);
  CHECK(place.read().misfits == std::vector<std::uint64_t>{2});

  std::vector<std::string> put_in = good;
  put_in.insert(put_in.begin() + 1, good[2]);
  place.write(put_in);
  CHECK(place.read().misfits == std::vector<std::uint64_t>{2, 3});

  std::vector<std::string> moved = good;
  std::swap(moved[1], moved[2]);
  place.write(moved);
  CHECK(place.read().misfits == std::vector<std::uint64_t>{2, 3, 4});

  // A line that was made to look cut off takes the next one's predecessor away.
  std::vector<std::string> disguised = good;
  disguised[1].pop_back();
  place.write(disguised);
  CHECK(place.read().misfits == std::vector<std::uint64_t>{3});
  CHECK(place.read().cut_off == 1);
}

TEST_CASE("a log cut at any byte is read without complaint, and goes on from its last whole line") {
  const Place place;
  place.append(R"({"n":1})");
  place.append(R"({"n":2})");
  const auto whole = read_text_file(place.file);
  for (std::size_t size = 0; size <= whole->size(); ++size) {
    REQUIRE(write_file(place.file, std::string_view(*whole).substr(0, size), 0600));
    const auto end = whole->begin() + static_cast<std::ptrdiff_t>(size);
    const auto lines = static_cast<std::size_t>(std::count(whole->begin(), end, '\n'));
    const bool is_open = size != 0 && (*whole)[size - 1] != '\n';
    CHECK(place.read().lines.size() == lines);
    CHECK(place.read().torn == is_open);
    place.append(R"({"n":3})");
    const JournalLines after = place.read();
    CHECK(after.misfits.empty());
    CHECK(after.cut_off == (is_open ? 1 : 0));
    CHECK_FALSE(after.torn);
    REQUIRE(after.lines.size() == lines + 1);
    CHECK(after.lines.back() == R"({"n":3})");
  }
}

/// Files of this process can grow to `size` bytes, and no further.
class FullDisk {
 public:
  explicit FullDisk(rlim_t size) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    const rlimit limit = {size, before_.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    (void)::setrlimit(RLIMIT_FSIZE, &before_);
    (void)std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST_CASE("a line that did not fit on the disk, at whichever byte, does no harm to the next one of the same run") {
  constexpr std::size_t kLine = 7 + 76;  // the body, the chain and what is around it, the line's end
  for (std::size_t room = 0; room < kLine; ++room) {
    CAPTURE(room);
    const Place place;
    auto log = JournalFile::open(place.temp.path());
    REQUIRE(log->append(R"({"n":1})"));
    {
      const FullDisk full(std::filesystem::file_size(place.file) + room);
      CHECK_FALSE(log->append(R"({"n":2})"));
    }
    REQUIRE(log->append(R"({"n":3})"));
    const JournalLines contents = place.read();
    CHECK(contents.lines == std::vector<std::string>{R"({"n":1})", R"({"n":3})"});
    CHECK(contents.misfits.empty());
    CHECK(contents.cut_off == (room == 0 ? 0 : 1));
  }
}

TEST_CASE("what is no log is read as lines without a chain; a link is not followed") {
  const Place place;
  place.write({"{", "", "{\"n\":1}", std::string(100000, '['), ",\"chain\":\"" + std::string(64, '0') + "\"}"});
  CHECK(place.read().cut_off == 5);
  CHECK(place.read().lines.empty());
  const Place other;
  CHECK(other.read().lines.empty());
  std::filesystem::create_symlink(place.file, other.file);
  CHECK_FALSE(JournalFile::open(other.temp.path()));
}

}  // namespace
}  // namespace hotpatch
