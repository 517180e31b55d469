// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/deb_archive.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string>
#include <thread>

#include <fcntl.h>
#include <lzma.h>
#include <unistd.h>

#include "common/support/mapped_file.h"
#include "common/support/unique_fd.h"

namespace hotpatch::buildenv {
namespace {

constexpr std::string_view kArMagic = "!<arch>\n";
constexpr std::size_t kArHeaderSize = 60;
/// Of decompression, for all threads: an xz -9 stream takes 65 MiB for each.
constexpr std::uint64_t kMemoryLimit = std::uint64_t{512} << 20;
constexpr std::size_t kPiece = std::size_t{1} << 20;

const std::uint8_t* raw(ByteView bytes) { return reinterpret_cast<const std::uint8_t*>(bytes.data()); }

tl::unexpected<Error> lzma_error(const std::string& name, lzma_ret code) {
  const char* text = "error";
  switch (code) {
    case LZMA_MEM_ERROR:
    case LZMA_MEMLIMIT_ERROR: text = "needs too much memory"; break;
    case LZMA_FORMAT_ERROR: text = "is not an xz stream"; break;
    case LZMA_OPTIONS_ERROR: text = "uses options of xz that are not supported"; break;
    case LZMA_DATA_ERROR: text = "is damaged"; break;
    case LZMA_BUF_ERROR: text = "is cut off"; break;
    default: break;
  }
  return fail(Errc::kMalformed, name + ": its data.tar.xz " + text + " (lzma " + std::to_string(static_cast<int>(code)) + ")");
}

/// The member of an ar archive whose name begins so.
Result<ByteView> find_data(ByteView file, const std::string& name) {
  if (as_text(file.first(std::min(file.size(), kArMagic.size()))) != kArMagic)
    return fail(Errc::kMalformed, name + ": not a Debian package");
  for (std::size_t at = kArMagic.size(); file.size() - at >= kArHeaderSize;) {
    const std::string_view header = as_text(file.subspan(at, kArHeaderSize));
    std::string_view digits = header.substr(48, 10);
    digits = digits.substr(0, digits.find(' '));
    std::uint64_t size = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), size);
    at += kArHeaderSize;
    if (parsed.ec != std::errc() || !header.ends_with("`\n") || size > file.size() - at)
      return fail(Errc::kMalformed,
                  name + ": its ar header at " + std::to_string(at - kArHeaderSize) + " is damaged, or it is cut off");
    if (header.starts_with("data.tar.xz")) return file.subspan(at, size);
    if (header.starts_with("data.tar"))
      return fail(Errc::kUnsupported, name + ": " + std::string(header.substr(0, header.find(' '))) + " is not compressed by xz");
    at = std::min<std::size_t>(file.size(), at + size + size % 2);
  }
  return fail(Errc::kMalformed, name + ": has no data.tar");
}

struct IndexDeleter {
  void operator()(lzma_index* index) const noexcept { lzma_index_end(index, nullptr); }
};
using Index = std::unique_ptr<lzma_index, IndexDeleter>;

}  // namespace

struct DebArchive::Parts {
  std::string name;
  MappedFile file;
  ByteView data;  // the xz stream
  Index index;
  lzma_stream_flags flags = {};
  std::filesystem::path path;

  [[nodiscard]] std::uint64_t data_offset() const { return static_cast<std::uint64_t>(data.data() - file.bytes().data()); }
  [[nodiscard]] Result<UniqueFd> open() const {
    UniqueFd opened(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!opened.valid()) return fail_errno("open " + path.string(), errno);
    return opened;
  }

  Result<> read_index() {
    if (data.size() < 2 * std::size_t{LZMA_STREAM_HEADER_SIZE}) return lzma_error(name, LZMA_BUF_ERROR);
    const std::size_t footer = data.size() - LZMA_STREAM_HEADER_SIZE;
    if (const lzma_ret code = lzma_stream_footer_decode(&flags, raw(data.subspan(footer))); code != LZMA_OK)
      return lzma_error(name, code);
    if (flags.backward_size > footer) return lzma_error(name, LZMA_DATA_ERROR);
    const std::size_t size = flags.backward_size;
    lzma_index* decoded = nullptr;
    std::uint64_t limit = kMemoryLimit;
    std::size_t position = 0;
    const lzma_ret code =
        lzma_index_buffer_decode(&decoded, &limit, nullptr, raw(data.subspan(footer - size, size)), &position, size);
    if (code != LZMA_OK) return lzma_error(name, code);
    index.reset(decoded);
    return {};
  }

  Result<Bytes> read_block(const lzma_index_iter& place) const {
    const std::uint64_t begin = place.block.compressed_file_offset;
    const std::uint64_t size = place.block.total_size;
    if (begin > data.size() || size > data.size() - begin || size == 0) return lzma_error(name, LZMA_DATA_ERROR);
    const ByteView compressed = data.subspan(begin, size);
    std::array<lzma_filter, LZMA_FILTERS_MAX + 1> filters = {};
    lzma_block block = {};
    block.version = 1;
    block.check = flags.check;
    block.filters = filters.data();
    block.header_size = lzma_block_header_size_decode(std::to_integer<std::uint32_t>(compressed[0]));
    if (block.header_size > size) return lzma_error(name, LZMA_DATA_ERROR);
    lzma_ret code = lzma_block_header_decode(&block, nullptr, raw(compressed));
    if (code != LZMA_OK) return lzma_error(name, code);
    Bytes content(place.block.uncompressed_size);
    code = lzma_block_compressed_size(&block, place.block.unpadded_size);
    std::size_t in = block.header_size;
    std::size_t out = 0;
    if (code == LZMA_OK)
      code = lzma_block_buffer_decode(&block, nullptr, raw(compressed), &in, compressed.size(),
                                      reinterpret_cast<std::uint8_t*>(content.data()), &out, content.size());
    lzma_filters_free(filters.data(), nullptr);
    if (code != LZMA_OK || out != content.size()) return lzma_error(name, code == LZMA_OK ? LZMA_DATA_ERROR : code);
    return content;
  }
};

DebArchive::DebArchive(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
DebArchive::DebArchive(DebArchive&&) noexcept = default;
DebArchive& DebArchive::operator=(DebArchive&&) noexcept = default;
DebArchive::~DebArchive() = default;

Result<DebArchive> DebArchive::open(const std::filesystem::path& path) {
  auto parts = std::make_unique<Parts>();
  parts->name = path.filename().string();
  parts->path = path;
  HP_ASSIGN(parts->file, MappedFile::open(path));
  HP_ASSIGN(parts->data, find_data(parts->file.bytes(), parts->name));
  HP_TRY(parts->read_index());
  return DebArchive(std::move(parts));
}

Result<> DebArchive::stream(unsigned threads, const std::function<Result<>(ByteView)>& receiver) const {
  lzma_mt options = {};
  options.threads = threads != 0 ? threads : std::max(1U, std::thread::hardware_concurrency());
  options.memlimit_threading = kMemoryLimit;
  options.memlimit_stop = kMemoryLimit;
  lzma_stream stream = LZMA_STREAM_INIT;
  lzma_ret code = lzma_stream_decoder_mt(&stream, &options);
  if (code != LZMA_OK) return lzma_error(parts_->name, code);
  const std::unique_ptr<lzma_stream, void (*)(lzma_stream*)> guard(&stream, lzma_end);
  // By reading, not through the mapping: of that, all pages would stay in memory.
  HP_ASSIGN(const UniqueFd file, parts_->open());
  Bytes piece(kPiece);
  Bytes input(kPiece);
  std::uint64_t taken = 0;
  while (code != LZMA_STREAM_END) {
    if (stream.avail_in == 0 && taken < parts_->data.size()) {
      const std::size_t wanted = std::min<std::uint64_t>(input.size(), parts_->data.size() - taken);
      const ssize_t count = ::pread(file.get(), input.data(), wanted, static_cast<off_t>(parts_->data_offset() + taken));
      if (count < 0) return fail_errno("read " + parts_->name, errno);
      if (count == 0) return lzma_error(parts_->name, LZMA_BUF_ERROR);
      stream.next_in = reinterpret_cast<const std::uint8_t*>(input.data());
      stream.avail_in = static_cast<std::size_t>(count);
      taken += stream.avail_in;
    }
    stream.next_out = reinterpret_cast<std::uint8_t*>(piece.data());
    stream.avail_out = piece.size();
    code = lzma_code(&stream, taken == parts_->data.size() ? LZMA_FINISH : LZMA_RUN);
    if (code != LZMA_OK && code != LZMA_STREAM_END) return lzma_error(parts_->name, code);
    HP_TRY(receiver(ByteView(piece).first(piece.size() - stream.avail_out)));
  }
  return {};
}

Result<Bytes> DebArchive::read(std::uint64_t offset, std::uint64_t size) const {
  Bytes content;
  lzma_index_iter place;
  lzma_index_iter_init(&place, parts_->index.get());
  while (content.size() < size) {
    const std::uint64_t at = offset + content.size();
    if (lzma_index_iter_locate(&place, at))
      return fail(Errc::kMalformed, parts_->name + ": data.tar ends before " + std::to_string(at));
    HP_ASSIGN(const Bytes block, parts_->read_block(place));
    const std::uint64_t skipped = at - place.block.uncompressed_file_offset;
    const std::uint64_t count = std::min<std::uint64_t>(size - content.size(), block.size() - skipped);
    const auto begin = block.begin() + static_cast<std::ptrdiff_t>(skipped);
    content.insert(content.end(), begin, begin + static_cast<std::ptrdiff_t>(count));
  }
  return content;
}

}  // namespace hotpatch::buildenv
