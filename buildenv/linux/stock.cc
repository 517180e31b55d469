// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/linux/stock.h"

#include "buildenv/cache.h"
#include "buildenv/linux/debian_kernel.h"
#include "buildenv/linux/module_image.h"
#include "common/support/file.h"

namespace hotpatch::buildenv {

namespace fs = std::filesystem;

Result<std::unique_ptr<StockKernel>> StockKernel::open(const Base& base, const UnitIndex& index) {
  HP_ASSIGN(elf::Object object, elf::map_object(base.symbols_path()));
  HP_ASSIGN(elf::Image image, elf::Image::make(std::move(object)));
  if (image.build_id() != base.build_id)
    return fail(Errc::kTrust, base.symbols_path().string() + ": build ID " + image.build_id().text() + " is not the base's, " +
                                  base.build_id.text());
  return std::unique_ptr<StockKernel>(new StockKernel(base, index, std::move(image)));
}

Result<Bytes> StockKernel::module_file(const UnitOwner& owner) {
  const KernelFacts& kernel = *base_.kernel;
  if (!kernel.module_directory.empty()) return read_file(fs::path(kernel.module_directory) / owner.name);
  if (!package_) {
    HP_ASSIGN(const fs::path cache, cache_directory());
    fs::path path = kernel_package_directory(cache, kernel.release) / kernel.debug_package;
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) {
      HP_ASSIGN(const KernelRelease release, parse_release(kernel.release));
      HP_ASSIGN(const KernelPackages packages, fetch_kernel(cache, release, [](const std::string&) {}));
      if (packages.debug_deb.filename() != kernel.debug_package)
        return fail(Error(Errc::kNotFound, "the archive no longer has " + kernel.debug_package)
                        .with_remedy("put it into " + path.parent_path().string()));
      path = packages.debug_deb;
    }
    HP_ASSIGN(package_, DebArchive::open(path));
  }
  return package_->read(owner.offset, owner.size);
}

Result<const elf::Image*> StockKernel::owner_image(std::size_t owner) {
  const UnitOwner& wanted = index_.owners.at(owner);
  if (wanted.is_image()) return &image_;
  const std::lock_guard lock(mutex_);
  std::unique_ptr<elf::Image>& known = modules_[owner];
  if (known != nullptr) return known.get();
  HP_ASSIGN_DOING("read the module " + wanted.name, Bytes file, module_file(wanted));
  HP_ASSIGN(elf::Image image, module_image(std::move(file), wanted.name));
  if (image.build_id().text() != wanted.build_id)
    return fail(Errc::kTrust, wanted.name + ": build ID " + image.build_id().text() + " is not the one that the base knows, " +
                                  wanted.build_id);
  known = std::make_unique<elf::Image>(std::move(image));
  return known.get();
}

}  // namespace hotpatch::buildenv
