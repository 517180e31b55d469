// SPDX-License-Identifier: GPL-2.0-or-later
//
// OpenSSL's functions, from a libcrypto that is loaded when the first signature is at hand. To load it takes a short command as long as
// all of its own work (five megabytes, twenty thousand relocations), and most hosts and most commands have no signature to look at.
//
// In this namespace a function's name stands for an object that is called like it and looks the function up; so code reads, and OpenSSL's
// macros expand, as if the library were linked. For the files of this folder alone, which call load_libcrypto() first.
#pragma once

// Before cms.h, which declares its functions for PEM only behind it.
#include <openssl/pem.h>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "common/support/result.h"

namespace hotpatch::trust {

/// To be asked before any of the functions below is called; then it stays loaded. kNotFound if this machine has no such library.
Result<> load_libcrypto();

/// Never null. Requires: load_libcrypto() succeeded, and OpenSSL 3.0 has a function of that name.
[[nodiscard]] void* libcrypto_function(const char* name);

template <typename Function>
struct Late;
template <typename Product, typename... Arguments>
struct Late<Product(Arguments...)> {
  const char* name;
  [[nodiscard]] auto pointer() const { return reinterpret_cast<Product (*)(Arguments...)>(libcrypto_function(name)); }
  Product operator()(Arguments... arguments) const { return pointer()(arguments...); }
};

#define HOTPATCH_LATE(function) inline constexpr Late<decltype(::function)> function = {#function};
HOTPATCH_LATE(ASN1_TIME_print)
HOTPATCH_LATE(BIO_ctrl)
HOTPATCH_LATE(BIO_free_all)
HOTPATCH_LATE(BIO_new)
HOTPATCH_LATE(BIO_new_mem_buf)
HOTPATCH_LATE(BIO_s_mem)
HOTPATCH_LATE(CMS_ContentInfo_free)
HOTPATCH_LATE(CMS_SignerInfo_get0_algs)
HOTPATCH_LATE(CMS_add1_signer)
HOTPATCH_LATE(CMS_final)
HOTPATCH_LATE(CMS_get0_SignerInfos)
HOTPATCH_LATE(CMS_get0_type)
HOTPATCH_LATE(CMS_get1_certs)
HOTPATCH_LATE(CMS_is_detached)
HOTPATCH_LATE(CMS_set1_signers_certs)
HOTPATCH_LATE(CMS_sign)
HOTPATCH_LATE(CMS_verify)
HOTPATCH_LATE(CRYPTO_free)
HOTPATCH_LATE(ERR_clear_error)
HOTPATCH_LATE(ERR_get_error)
HOTPATCH_LATE(ERR_reason_error_string)
HOTPATCH_LATE(EVP_PKEY_free)
HOTPATCH_LATE(EVP_get_digestbyname)
HOTPATCH_LATE(OBJ_nid2sn)
HOTPATCH_LATE(OBJ_obj2nid)
HOTPATCH_LATE(OPENSSL_sk_new_null)
HOTPATCH_LATE(OPENSSL_sk_num)
HOTPATCH_LATE(OPENSSL_sk_pop_free)
HOTPATCH_LATE(OPENSSL_sk_push)
HOTPATCH_LATE(OPENSSL_sk_value)
HOTPATCH_LATE(PEM_read_bio_CMS)
HOTPATCH_LATE(PEM_read_bio_PrivateKey)
HOTPATCH_LATE(PEM_read_bio_X509)
HOTPATCH_LATE(X509_NAME_print_ex)
HOTPATCH_LATE(X509_STORE_CTX_free)
HOTPATCH_LATE(X509_STORE_CTX_get0_param)
HOTPATCH_LATE(X509_STORE_CTX_get_current_cert)
HOTPATCH_LATE(X509_STORE_CTX_get_error)
HOTPATCH_LATE(X509_STORE_CTX_init)
HOTPATCH_LATE(X509_STORE_CTX_new)
HOTPATCH_LATE(X509_STORE_add_cert)
HOTPATCH_LATE(X509_STORE_free)
HOTPATCH_LATE(X509_STORE_new)
HOTPATCH_LATE(X509_VERIFY_PARAM_set_auth_level)
HOTPATCH_LATE(X509_VERIFY_PARAM_set_flags)
HOTPATCH_LATE(X509_VERIFY_PARAM_set_time)
HOTPATCH_LATE(X509_check_private_key)
HOTPATCH_LATE(X509_cmp)
HOTPATCH_LATE(X509_free)
HOTPATCH_LATE(X509_get0_notAfter)
HOTPATCH_LATE(X509_get_extended_key_usage)
HOTPATCH_LATE(X509_get_extension_flags)
HOTPATCH_LATE(X509_get_subject_name)
HOTPATCH_LATE(X509_verify_cert)
HOTPATCH_LATE(X509_verify_cert_error_string)
HOTPATCH_LATE(d2i_CMS_bio)
HOTPATCH_LATE(d2i_X509_bio)
HOTPATCH_LATE(i2d_CMS_ContentInfo)
HOTPATCH_LATE(i2d_X509)
#undef HOTPATCH_LATE

}  // namespace hotpatch::trust
