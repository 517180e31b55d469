// SPDX-License-Identifier: GPL-2.0-or-later
//
// switch_watch WORD STOP FILE…: two threads read the files over and over until the file STOP is there. Some of what they read holds WORD,
// and some does not: which of both each file begins with is what it had before the switch. Prints "BEFORE AFTER MIXED", numbers of
// readings: MIXED are those that showed the old content though they began after another one, of any file and thread, had shown new content
// and ended.
#include <atomic>
#include <cstdio>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace {

struct Counts {
  unsigned before = 0;
  unsigned after = 0;
  unsigned mixed = 0;
};

struct Watched {
  std::string_view word;
  std::string_view stop;
  std::vector<const char*> files;
  bool initially = false;
};

std::atomic<bool> is_switched = false;

bool holds_word(const char* file, std::string_view word) {
  char text[4096];
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  const ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text);
  if (size < 0) {
    std::perror(file);
    _exit(1);
  }
  close(fd);
  return std::string_view(text, static_cast<std::size_t>(size)).find(word) != std::string_view::npos;
}

void watch(const Watched& watched, Counts& counts) {
  while (access(watched.stop.data(), F_OK) != 0) {
    for (const char* file : watched.files) {
      const bool was_switched = is_switched.load();
      const bool is_new = holds_word(file, watched.word) != watched.initially;
      if (is_new) is_switched.store(true);
      ++(is_new ? counts.after : was_switched ? counts.mixed : counts.before);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 64;
  Watched watched{argv[1], argv[2], {argv + 3, argv + argc}};
  watched.initially = holds_word(watched.files.front(), watched.word);
  Counts other;
  Counts own;
  std::thread second([&] { watch(watched, other); });
  watch(watched, own);
  second.join();
  std::printf("%u %u %u\n", own.before + other.before, own.after + other.after, own.mixed + other.mixed);
  return 0;
}
