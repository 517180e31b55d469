// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/journal.h"

#include <sys/stat.h>

#include <doctest/doctest.h>

#include "common/host/journal_file.h"
#include "common/support/file.h"

namespace hotpatch::xen::host {
namespace {

struct Place {
  TempDir temp = *TempDir::make("hotpatch-journal");
  std::filesystem::path dir = temp.path() / "state";
  std::filesystem::path file = dir / "journal.jsonl";
};

JournalRecord record(std::uint64_t id, bool is_end) {
  JournalRecord made;
  made.time = "2026-11-21T12:00:00.000Z";
  made.pid = 42;
  made.boot = "boot";
  made.id = id;
  made.is_end = is_end;
  made.command = "load";
  made.action = "upload";
  made.name = "fix";
  made.build_id = "0102";
  made.depends = "03";
  made.xen_build_id = "04";
  if (is_end) {
    made.outcome = "failed";
    made.state = "absent";
    made.reverted = {"a", "b"};
    made.os_error = 22;
    made.detail = "quotes \" and \xff bytes";
  } else {
    made.reappliable = false;
    made.functions = {{.name = "do_it", .old_addr = 0xffff82d040200000, .old_size = 12, .new_size = 20, .new_offset = 64}};
  }
  return made;
}

TEST_CASE("what is appended is read back, in its order") {
  const Place place;
  REQUIRE(make_state_dir(place.dir));
  auto journal = Journal::open(place.dir);
  REQUIRE(journal);
  REQUIRE(journal->append(record(1, false)));
  REQUIRE(journal->append(record(1, true)));
  const auto contents = read_journal(place.dir);
  REQUIRE(contents);
  CHECK(contents->damaged_lines == 0);
  CHECK_FALSE(contents->torn);
  REQUIRE(contents->records.size() == 2);
  const JournalRecord& begin = contents->records[0];
  CHECK_FALSE(begin.is_end);
  CHECK(begin.id == 1);
  CHECK(begin.pid == 42);
  CHECK(begin.build_id == "0102");
  REQUIRE(begin.functions.size() == 1);
  CHECK(begin.functions[0].old_addr == 0xffff82d040200000);
  CHECK(begin.functions[0].new_offset == 64);
  CHECK_FALSE(begin.reappliable);
  CHECK(contents->records[1].reappliable);
  const JournalRecord& end = contents->records[1];
  CHECK(end.is_end);
  CHECK(end.outcome == "failed");
  CHECK(end.state == "absent");
  CHECK(end.os_error == 22);
  CHECK(end.reverted == std::vector<std::string>{"a", "b"});
  CHECK(end.detail.find("quotes \"") == 0);
}

TEST_CASE("an absent journal is an empty one") {
  const Place place;
  const auto contents = read_journal(place.dir);
  REQUIRE(contents);
  CHECK(contents->records.empty());
}

TEST_CASE("a torn last line is left out, and does not swallow the next record") {
  const Place place;
  REQUIRE(make_state_dir(place.dir));
  {
    auto journal = Journal::open(place.dir);
    REQUIRE(journal->append(record(1, false)));
  }
  const auto whole = read_text_file(place.file);
  REQUIRE(write_file(place.file, std::string_view(*whole + whole->substr(0, whole->size() / 2)), 0600));
  const auto torn = read_journal(place.dir);
  REQUIRE(torn);
  CHECK(torn->torn);
  CHECK(torn->records.size() == 1);
  auto journal = Journal::open(place.dir);
  REQUIRE(journal->append(record(2, false)));
  const auto after = read_journal(place.dir);
  REQUIRE(after);
  CHECK_FALSE(after->torn);
  CHECK(after->damaged_lines == 1);
  REQUIRE(after->records.size() == 2);
  CHECK(after->records[1].id == 2);
}

TEST_CASE("a journal cut at any byte is read without complaint, and no record is invented") {
  const Place place;
  REQUIRE(make_state_dir(place.dir));
  {
    auto journal = Journal::open(place.dir);
    REQUIRE(journal->append(record(1, false)));
    REQUIRE(journal->append(record(1, true)));
  }
  const auto whole = read_text_file(place.file);
  for (std::size_t size = 0; size <= whole->size(); ++size) {
    REQUIRE(write_file(place.file, std::string_view(*whole).substr(0, size), 0600));
    const auto contents = read_journal(place.dir);
    REQUIRE(contents);
    const std::size_t lines =
        static_cast<std::size_t>(std::count(whole->begin(), whole->begin() + static_cast<std::ptrdiff_t>(size), '\n'));
    CHECK(contents->records.size() == lines);
    CHECK(contents->torn == (size != 0 && (*whole)[size - 1] != '\n'));
  }
}

TEST_CASE("lines that are no records are counted and passed over") {
  const Place place;
  REQUIRE(make_state_dir(place.dir));
  {
    auto log = JournalFile::open(place.dir);
    REQUIRE(log->append(R"({"v":7})"));
    REQUIRE(log->append(R"({"v":2,"event":"begin","id":-1,"name":7})"));
    REQUIRE(log->append(R"({"v":[[[[}}})"));
  }
  const auto text = read_text_file(place.file);
  REQUIRE(write_file(place.file, std::string_view(*text + "{\n[]\n\n" + std::string(100000, '[') + "\n"), 0600));
  const auto contents = read_journal(place.dir);
  REQUIRE(contents);
  CHECK(contents->records.empty());
  CHECK(contents->misfits.empty());
  CHECK(contents->damaged_lines == 7);
}

TEST_CASE("a record that was altered is read, and told to be") {
  const Place place;
  REQUIRE(make_state_dir(place.dir));
  {
    auto journal = Journal::open(place.dir);
    REQUIRE(journal->append(record(1, false)));
    REQUIRE(journal->append(record(1, true)));
  }
  auto text = read_text_file(place.file);
  text->replace(text->find("\"pid\":42"), 8, "\"pid\":43");
  REQUIRE(write_file(place.file, std::string_view(*text), 0600));
  const auto contents = read_journal(place.dir);
  REQUIRE(contents);
  CHECK(contents->records.size() == 2);
  CHECK(contents->misfits == std::vector<std::uint64_t>{1});
}

TEST_CASE("the state directory belongs to its user alone") {
  const Place place;
  REQUIRE(make_state_dir(place.dir));
  struct stat info{};
  REQUIRE(::stat(place.dir.c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0700);
  REQUIRE(::chmod(place.dir.c_str(), 0777) == 0);
  const auto made = make_state_dir(place.dir);
  REQUIRE_FALSE(made);
  CHECK(made.error().code() == Errc::kInvalid);
}

TEST_CASE("a state directory or journal that is a symbolic link is not followed") {
  const Place place;
  std::filesystem::create_directory(place.temp.path() / "elsewhere");
  std::filesystem::create_symlink(place.temp.path() / "elsewhere", place.dir);
  CHECK_FALSE(make_state_dir(place.dir));
  std::filesystem::remove(place.dir);
  REQUIRE(make_state_dir(place.dir));
  std::filesystem::create_symlink(place.temp.path() / "elsewhere" / "file", place.file);
  CHECK_FALSE(Journal::open(place.dir));
}

}  // namespace
}  // namespace hotpatch::xen::host
