// The interface of Keyward's plugins, version 1. `docs/plugin-abi.md` is its specification.
//
// This file is made from the tables in Rust: `cargo xtask docs` writes it.

#ifndef KEYWARD_PLUGIN_H
#define KEYWARD_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

// The one function that a plugin exports; `name` tells it from all others. It gives a table that stays,
// or NULL where the plugin does not want to run.
#define KEYWARD_PLUGIN_ENTRY(name) const struct KeywardPlugin *keyward_plugin_v1__##name(void)

// What a plugin's table starts with: `KEYWPLG1`, as a number of this machine.
#define KEYWARD_MAGIC 5423839557781833521

// The major version: another one is another interface.
#define KEYWARD_MAJOR 1

// The minor version: it grows when a table does.
#define KEYWARD_MINOR 0

// Set in Plugin.flags where a panic ends the process. No host takes such a plugin.
#define KEYWARD_FLAG_PANIC_ABORTS 1

// The call succeeded. A failure has the number of its ErrorKind.
#define KEYWARD_STATUS_OK 0

// The plugin panicked; this instance is not to be used any more.
#define KEYWARD_STATUS_PANICKED 100

// The plugin panicked in an earlier call to this instance.
#define KEYWARD_STATUS_POISONED 101

// Roles, by number. Those that a host does not know it passes over.
#define KEYWARD_ROLE_SERIALIZER 1

// See KEYWARD_ROLE_SERIALIZER.
#define KEYWARD_ROLE_ENCRYPTION 2

// See KEYWARD_ROLE_SERIALIZER.
#define KEYWARD_ROLE_KEY 3

// See KEYWARD_ROLE_SERIALIZER.
#define KEYWARD_ROLE_STORAGE 4

// Kept for a role to come.
#define KEYWARD_ROLE_AUTHENTICATOR 5

// Kept for a role to come.
#define KEYWARD_ROLE_CHECKER 6

// A number that means none: no limit, no end, for ever.
#define KEYWARD_NONE UINT64_MAX

// The kind of an error, as far as code needs to know it.
//
// The numbers are stable: plugins send them to Keyward, and the program's exit code depends on
// them.
enum KeywardErrorKind
#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L
  : uint8_t
#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L
 {
  // There is no such entry. This is the only kind after which a look-up tries its next source.
  KEYWARD_ERROR_KIND_NOT_FOUND = 1,
  // The request makes no sense: a bad name, option or configuration.
  KEYWARD_ERROR_KIND_INVALID = 2,
  // It exists already.
  KEYWARD_ERROR_KIND_EXISTS = 3,
  // This backend cannot do that, or cannot hold a value like this.
  KEYWARD_ERROR_KIND_UNSUPPORTED = 4,
  // Refused as unsafe: owner, permissions, trust.
  KEYWARD_ERROR_KIND_REFUSED = 5,
  // Locked, or a prompt is needed and there is no terminal.
  KEYWARD_ERROR_KIND_LOCKED = 6,
  // The key is missing, or is not the right one.
  KEYWARD_ERROR_KIND_NO_KEY = 7,
  // The content is damaged, altered or in the wrong place.
  KEYWARD_ERROR_KIND_CORRUPT = 8,
  // The backend cannot be reached or failed.
  KEYWARD_ERROR_KIND_UNAVAILABLE = 9,
  // There is no room.
  KEYWARD_ERROR_KIND_FULL = 10,
  // Another writer changed it in the meantime.
  KEYWARD_ERROR_KIND_CONFLICT = 11,
  // The caller was not authenticated.
  KEYWARD_ERROR_KIND_UNAUTHORIZED = 12,
  // Anything else.
  KEYWARD_ERROR_KIND_OTHER = 255,
};
#ifndef __cplusplus
#if __STDC_VERSION__ >= 202311L
typedef enum KeywardErrorKind KeywardErrorKind;
#else
typedef uint8_t KeywardErrorKind;
#endif // __STDC_VERSION__ >= 202311L
#endif // __cplusplus

// An opened backend: the plugin's own affair. Its methods may be called by many threads at once.
typedef struct KeywardInstance KeywardInstance;

// Bytes that belong to the caller, for as long as the call lasts.
typedef struct KeywardSlice {
  // The first byte. NULL stands for "none", which is not the same as no bytes.
  const uint8_t *data;
  // How many there are.
  size_t length;
} KeywardSlice;

// One key of a backend's options.
typedef struct KeywardOptionRow {
  // Of this row, in bytes.
  uint32_t size;
  // 0: text. 1: path. 2: flag. 3: number. 4: list. 5: secret.
  uint32_t kind;
  // Whether it must be given: 0 or 1.
  uint32_t required;
  // Zero.
  uint32_t reserved;
  // The key.
  struct KeywardSlice name;
  // What it is when it is not given, written as in TOML; NULL for nothing.
  struct KeywardSlice default_value;
  // What it does, in one line.
  struct KeywardSlice help;
} KeywardOptionRow;

// Bytes that go over to the caller, who ends them by `release` and by nothing else.
//
// The caller hands in one that is all zeros.
typedef struct KeywardBuffer {
  // The first byte. NULL stands for "none".
  uint8_t *data;
  // How many there are.
  size_t length;
  // For whoever made it.
  size_t capacity;
  // Wipes the bytes and gives the memory back to whoever made it. May be NULL if `data` is.
  void (*release)(struct KeywardBuffer *buffer);
} KeywardBuffer;

// Why a call failed. The caller hands in one that is all zeros but for its size.
typedef struct KeywardFailure {
  // Of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // What was being done: `get`.
  struct KeywardBuffer operation;
  // The backend it happened in, where that is another one.
  struct KeywardBuffer backend;
  // Why, in lower case and without a full stop.
  struct KeywardBuffer message;
  // What somebody can do about it.
  struct KeywardBuffer hint;
  // The underlying errors, a line each.
  struct KeywardBuffer cause;
} KeywardFailure;

// What a host does for an instance. Its functions may be called by every thread.
typedef struct KeywardHostTable {
  // Of this table, in bytes.
  uint32_t size;
  // The host's own KEYWARD_MAJOR.
  uint16_t major;
  // The host's own KEYWARD_MINOR.
  uint16_t minor;
  // To be handed back.
  void *context;
  // Ends the host; nothing of it may be used afterwards.
  void (*release)(void *context);
  // The secret that an option refers to; `reference` is that option's value, in JSON.
  int32_t (*secret)(void *context,
                    struct KeywardSlice reference,
                    struct KeywardBuffer *secret,
                    struct KeywardFailure *failure);
  // What somebody at the terminal answers; asked twice where `confirm` is 1.
  int32_t (*prompt)(void *context,
                    struct KeywardSlice text,
                    uint32_t confirm,
                    struct KeywardBuffer *answer,
                    struct KeywardFailure *failure);
  // An environment variable; NULL if it is not set.
  void (*variable)(void *context, struct KeywardSlice name, struct KeywardBuffer *value);
  // The time, in seconds since 1970.
  uint64_t (*now)(void *context);
  // Tells whoever watches: 1 a warning, 2 what is done, 3 how.
  void (*log)(void *context, uint32_t level, struct KeywardSlice message);
  // How long the caller still waits, in milliseconds; KEYWARD_NONE for ever.
  uint64_t (*remaining)(void *context);
} KeywardHostTable;

// A backend in one role.
typedef struct KeywardBackend {
  // Of this table, in bytes.
  uint32_t size;
  // KEYWARD_ROLE_SERIALIZER or another one.
  uint32_t role;
  // What it is called.
  struct KeywardSlice name;
  // What it is for, in one line.
  struct KeywardSlice help;
  // What it can be told: so many rows, one behind the other.
  const struct KeywardOptionRow *options;
  // How many rows there are.
  size_t option_count;
  // The methods of its role: `SerializerMethods` for a serializer, and so on.
  const void *methods;
  // Opens it with its options, an object in JSON. It is told itself.
  //
  // The host is the instance's until it calls `release`, which it must in the end, also if it
  // fails to open.
  int32_t (*open)(const struct KeywardBackend *backend,
                  const struct KeywardHostTable *host,
                  struct KeywardSlice options,
                  struct KeywardInstance **instance,
                  struct KeywardFailure *failure);
} KeywardBackend;

// What a plugin's entry gives: who it is, and what it brings. It is there for good.
typedef struct KeywardPlugin {
  // KEYWARD_MAGIC.
  uint64_t magic;
  // Of this table, in bytes.
  uint32_t size;
  // KEYWARD_MAJOR of the interface that it was built for.
  uint16_t major;
  // KEYWARD_MINOR of it.
  uint16_t minor;
  // KEYWARD_FLAG_PANIC_ABORTS, or nothing.
  uint64_t flags;
  // The name of its package.
  struct KeywardSlice package;
  // The version of its package.
  struct KeywardSlice version;
  // Pointers to its backends.
  const struct KeywardBackend *const *backends;
  // How many there are.
  size_t backend_count;
} KeywardPlugin;

// The methods of a serializer.
typedef struct KeywardSerializerMethods {
  // Of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // Ends the instance.
  void (*close)(struct KeywardInstance *instance);
  // Encodes a record, which comes as CBOR.
  int32_t (*encode)(struct KeywardInstance *instance,
                    struct KeywardSlice record,
                    struct KeywardBuffer *encoded,
                    struct KeywardFailure *failure);
  // Decodes a record, which goes as CBOR.
  int32_t (*decode)(struct KeywardInstance *instance,
                    struct KeywardSlice encoded,
                    struct KeywardBuffer *record,
                    struct KeywardFailure *failure);
} KeywardSerializerMethods;

// What an encryption can do.
typedef struct KeywardEncryptionAbilities {
  // Of this table, in bytes.
  uint32_t size;
  // Whether it ties a blob to its context itself: 0 or 1.
  uint32_t binds_context;
  // Whether only who holds the key could have made a blob that opens: 0 or 1.
  uint32_t authenticates;
  // 0: there are no keys. 1: the store hands one in. 2: the encryption brings its own.
  uint32_t keys;
} KeywardEncryptionAbilities;

// Which entry. Both texts are UTF-8 in Unicode's form NFC.
typedef struct KeywardEntryName {
  // Whose it is; no bytes for an entry that the store keeps for itself.
  struct KeywardSlice user;
  // Which of the user's entries; no bytes for the one without a name.
  struct KeywardSlice name;
} KeywardEntryName;

// Up to 64 bytes: a revision, or the id of a key.
typedef struct KeywardShort {
  // How many there are.
  uint32_t length;
  // Whether there is anything: 0 or 1.
  uint32_t present;
  // The bytes.
  uint8_t bytes[64];
} KeywardShort;

// What a blob is sealed for.
typedef struct KeywardSealContext {
  // Of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // The store: 16 bytes.
  const uint8_t *store;
  // The entry.
  struct KeywardEntryName entry;
  // The id of the key that the store hands in; NULL where it hands in none.
  struct KeywardSlice key_id;
  // That key: 32 bytes.
  struct KeywardSlice key;
  // 32 bytes drawn afresh for this seal.
  const uint8_t *salt;
  // 32 bytes: SHA-256 of the associated data and the entry.
  const uint8_t *binding;
  // To be authenticated beside the content.
  struct KeywardSlice associated_data;
} KeywardSealContext;

// The methods of an encryption.
typedef struct KeywardEncryptionMethods {
  // Of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // Ends the instance.
  void (*close)(struct KeywardInstance *instance);
  // What this instance can do, for as long as it is open.
  int32_t (*abilities)(struct KeywardInstance *instance,
                       struct KeywardEncryptionAbilities *abilities,
                       struct KeywardFailure *failure);
  // The key that a seal would use now, if the encryption brings its own.
  int32_t (*current_key)(struct KeywardInstance *instance,
                         struct KeywardEntryName entry,
                         struct KeywardShort *key,
                         struct KeywardFailure *failure);
  // Seals bytes.
  int32_t (*seal)(struct KeywardInstance *instance,
                  struct KeywardSlice plain,
                  const struct KeywardSealContext *context,
                  struct KeywardBuffer *blob,
                  struct KeywardFailure *failure);
  // Opens what was sealed.
  int32_t (*unseal)(struct KeywardInstance *instance,
                    struct KeywardSlice blob,
                    const struct KeywardSealContext *context,
                    struct KeywardBuffer *plain,
                    struct KeywardFailure *failure);
} KeywardEncryptionMethods;

// The methods of a key source.
typedef struct KeywardKeyMethods {
  // Of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // Ends the instance.
  void (*close)(struct KeywardInstance *instance);
  // Makes a secret, or gives the one that was supplied; `made` tells, 1 or 0.
  int32_t (*create)(struct KeywardInstance *instance,
                    struct KeywardSlice id,
                    struct KeywardBuffer *key,
                    struct KeywardBuffer *parameters,
                    uint32_t *made,
                    struct KeywardFailure *failure);
  // The secret.
  int32_t (*load)(struct KeywardInstance *instance,
                  struct KeywardSlice id,
                  struct KeywardSlice parameters,
                  struct KeywardBuffer *key,
                  struct KeywardFailure *failure);
  // Removes a secret that was made.
  int32_t (*remove)(struct KeywardInstance *instance,
                    struct KeywardSlice id,
                    struct KeywardSlice parameters,
                    struct KeywardFailure *failure);
} KeywardKeyMethods;

// What a storage can do.
typedef struct KeywardStorageAbilities {
  // Of this table, in bytes.
  uint32_t size;
  // How long blobs last. 0: as long as the process. 1: the session. 2: for good.
  uint32_t persistence;
  // Who may use it at once. 0: one process. 1: one machine. 2: many machines.
  uint32_t sharing;
  // Whether it lists its entries: 0 or 1.
  uint32_t lists;
  // Whether `bulk` can be called: 0 or 1.
  uint32_t bulk;
  // Whether `lock` can be called: 0 or 1.
  uint32_t locks;
  // The largest blob, in bytes; KEYWARD_NONE for no limit.
  uint64_t largest;
} KeywardStorageAbilities;

// What must hold of an entry for a change to happen.
typedef struct KeywardExpectation {
  // 0: nothing. 1: it is not there. 2: it is there and has this revision.
  uint32_t kind;
  // Zero.
  uint32_t reserved;
  // The revision.
  struct KeywardShort revision;
} KeywardExpectation;

// How a blob is to be kept.
typedef struct KeywardPutOptions {
  // Of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // When a storage that can may forget the entry, in seconds since 1970; KEYWARD_NONE for never.
  uint64_t expires;
  // What must hold of the entry.
  struct KeywardExpectation expect;
} KeywardPutOptions;

// Which entries to list.
typedef struct KeywardQuery {
  // Of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // Only those of this user; NULL for those of all.
  struct KeywardSlice user;
  // Only those whose name starts so.
  struct KeywardSlice prefix;
  // Where the last page ended; NULL for the first one.
  struct KeywardSlice cursor;
  // The most entries that this page may have.
  uint64_t limit;
} KeywardQuery;

// Whom a storage tells each entry of a page.
typedef struct KeywardEntrySink {
  // To be handed back.
  void *context;
  // Takes an entry. What it answers other than 0 ends the list, as its status.
  int32_t (*take)(void *context, struct KeywardEntryName entry);
} KeywardEntrySink;

// One change of many.
typedef struct KeywardOperation {
  // 0: keep the blob. 1: remove the entry.
  uint32_t kind;
  // Zero.
  uint32_t reserved;
  // The entry.
  struct KeywardEntryName entry;
  // The blob; none for a removal.
  struct KeywardSlice blob;
  // How; of a removal only what it expects.
  struct KeywardPutOptions put;
} KeywardOperation;

// The methods of a storage.
typedef struct KeywardStorageMethods {
  // Of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // Ends the instance.
  void (*close)(struct KeywardInstance *instance);
  // What this instance can do, for as long as it is open.
  int32_t (*abilities)(struct KeywardInstance *instance,
                       struct KeywardStorageAbilities *abilities,
                       struct KeywardFailure *failure);
  // The blob of an entry. Without a revision, that is the SHA-256 of the blob.
  int32_t (*get)(struct KeywardInstance *instance,
                 struct KeywardEntryName entry,
                 struct KeywardBuffer *blob,
                 struct KeywardShort *revision,
                 struct KeywardFailure *failure);
  // Keeps a blob.
  int32_t (*put)(struct KeywardInstance *instance,
                 struct KeywardEntryName entry,
                 struct KeywardSlice blob,
                 const struct KeywardPutOptions *options,
                 struct KeywardShort *revision,
                 struct KeywardFailure *failure);
  // Removes an entry.
  int32_t (*remove)(struct KeywardInstance *instance,
                    struct KeywardEntryName entry,
                    const struct KeywardExpectation *expect,
                    struct KeywardFailure *failure);
  // Tells some of the entries; `next` is where the others begin, if there are others.
  int32_t (*list)(struct KeywardInstance *instance,
                  const struct KeywardQuery *query,
                  const struct KeywardEntrySink *entries,
                  struct KeywardBuffer *next,
                  struct KeywardFailure *failure);
  // Removes everything, and then itself.
  int32_t (*destroy)(struct KeywardInstance *instance, struct KeywardFailure *failure);
  // Makes all changes or none. May be NULL.
  int32_t (*bulk)(struct KeywardInstance *instance,
                  const struct KeywardOperation *operations,
                  size_t operation_count,
                  struct KeywardFailure *failure);
  // Takes a lock, shared (0) or exclusive (1); times are in milliseconds. May be NULL.
  int32_t (*lock)(struct KeywardInstance *instance,
                  struct KeywardEntryName entry,
                  uint32_t mode,
                  uint64_t wait,
                  uint64_t ttl,
                  void **guard,
                  struct KeywardFailure *failure);
  // Holds a lock for `ttl` from now on. May be NULL if `lock` is.
  int32_t (*renew)(struct KeywardInstance *instance,
                   void *guard,
                   uint64_t ttl,
                   struct KeywardFailure *failure);
  // Ends a lock. May be NULL if `lock` is.
  void (*unlock)(struct KeywardInstance *instance, void *guard);
} KeywardStorageMethods;

#endif  /* KEYWARD_PLUGIN_H */
