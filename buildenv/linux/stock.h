// SPDX-License-Identifier: GPL-2.0-or-later
//
// The shipped kernel of a base, opened as far as somebody asks: vmlinux, and modules one by one. A module's file comes out of the
// debug package in the cache, without unpacking the package, or from the directory that a user's own base names.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "buildenv/base.h"
#include "buildenv/deb_archive.h"
#include "buildenv/linux/unit_index.h"
#include "common/elf/image.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

class StockKernel {
 public:
  /// Both must outlive this. kTrust if vmlinux is not the one that the base was made of.
  static Result<std::unique_ptr<StockKernel>> open(const Base& base, const UnitIndex& index);

  [[nodiscard]] const elf::Image& image() const noexcept { return image_; }
  /// vmlinux, or a module as module_image() makes it; the same for each call. `owner` is an index into UnitIndex::owners. Fetches the
  /// debug package if it is no longer in the cache. kTrust if the file is not the one that was indexed. For use by several threads.
  Result<const elf::Image*> owner_image(std::size_t owner);

 private:
  StockKernel(const Base& base, const UnitIndex& index, elf::Image image)
      : base_(base), index_(index), image_(std::move(image)) {}
  Result<Bytes> module_file(const UnitOwner& owner);

  const Base& base_;
  const UnitIndex& index_;
  elf::Image image_;
  std::mutex mutex_;
  std::optional<DebArchive> package_;
  std::map<std::size_t, std::unique_ptr<elf::Image>> modules_;
};

}  // namespace hotpatch::buildenv
