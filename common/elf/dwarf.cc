// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/dwarf.h"

namespace hotpatch::elf {

Result<std::unique_ptr<Dwarf>> Dwarf::open(const Object& object) {
  if (!object.find_section(".debug_info"))
    return fail(Error(Errc::kNotFound, object.name() + ": has no debugging information").with_remedy("compile it with -g"));
  const ByteView bytes = object.bytes();
  const llvm::MemoryBufferRef buffer(llvm::StringRef(as_text(bytes).data(), bytes.size()), object.name());
  auto file = llvm::object::ObjectFile::createELFObjectFile(buffer);
  if (!file) return fail(Errc::kMalformed, object.name() + ": " + llvm::toString(file.takeError()));
  std::unique_ptr<Dwarf> dwarf(new Dwarf(object.name()));
  dwarf->file_ = std::move(*file);
  Dwarf* self = dwarf.get();
  const auto collect = [self](llvm::Error error) {
    std::string text = llvm::toString(std::move(error));
    if (self->complaint_.empty()) self->complaint_ = std::move(text);
  };
  const auto ignore = [](llvm::Error error) { llvm::consumeError(std::move(error)); };
  // Those that a linked image kept (ld --emit-relocs) are applied already, and are hundreds of megabytes.
  const auto relocations = object.type() == FileType::kRelocatable ? llvm::DWARFContext::ProcessDebugRelocations::Process
                                                                   : llvm::DWARFContext::ProcessDebugRelocations::Ignore;
  dwarf->context_ = llvm::DWARFContext::create(*dwarf->file_, relocations, nullptr, "", collect, ignore);
  HP_TRY(dwarf->check());
  return dwarf;
}

Result<> Dwarf::check() const {
  if (!complaint_.empty()) return fail(Errc::kMalformed, name_ + ": debugging information: " + complaint_);
  return {};
}

}  // namespace hotpatch::elf
