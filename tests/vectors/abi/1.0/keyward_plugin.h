// The interface of Keyward's plugins, version 1. `docs/plugin-abi.md` is its specification.
//
// This file is made from the tables in Rust: `cargo xtask docs` writes it.

#ifndef KEYWARD_PLUGIN_H
#define KEYWARD_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

// The function that a plugin exports; `name` distinguishes it from those of other plugins. It
// returns a table that is valid for ever, or NULL if the plugin refuses to run.
#define KEYWARD_PLUGIN_ENTRY(name) const struct KeywardPlugin *keyward_plugin_v1__##name(void)

// The first field of a plugin's table: `KEYWPLG1`, as a number in the byte order of this machine.
#define KEYWARD_MAGIC 5423839557781833521

// The major version. A plugin with another one cannot be used.
#define KEYWARD_MAJOR 1

// The minor version. It increases when a table grows.
#define KEYWARD_MINOR 0

// Set in Plugin.flags if a panic ends the process. A host refuses such a plugin.
#define KEYWARD_FLAG_PANIC_ABORTS 1

// The call succeeded. A failure has the number of its ErrorKind.
#define KEYWARD_STATUS_OK 0

// The plugin panicked; this instance must not be used any more.
#define KEYWARD_STATUS_PANICKED 100

// The plugin panicked in an earlier call to this instance.
#define KEYWARD_STATUS_POISONED 101

// The numbers of the roles. A host ignores a backend whose role it does not know.
#define KEYWARD_ROLE_SERIALIZER 1

// See KEYWARD_ROLE_SERIALIZER.
#define KEYWARD_ROLE_ENCRYPTION 2

// See KEYWARD_ROLE_SERIALIZER.
#define KEYWARD_ROLE_KEY 3

// See KEYWARD_ROLE_SERIALIZER.
#define KEYWARD_ROLE_STORAGE 4

// Reserved for a future role.
#define KEYWARD_ROLE_AUTHENTICATOR 5

// Reserved for a future role.
#define KEYWARD_ROLE_CHECKER 6

// The number for "none": no limit, no end, for ever.
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

// An open backend. Only the plugin knows its content. Many threads may call its methods at once.
typedef struct KeywardInstance KeywardInstance;

// Bytes that belong to the caller. They are valid only during the call.
typedef struct KeywardSlice {
  // The first byte. NULL means "none", which is not the same as no bytes.
  const uint8_t *data;
  // The number of bytes.
  size_t length;
} KeywardSlice;

// One key of a backend's options.
typedef struct KeywardOptionRow {
  // The size of this row, in bytes.
  uint32_t size;
  // 0: text. 1: path. 2: flag. 3: number. 4: list. 5: secret. 6: duration. 7: name of a store.
  uint32_t kind;
  // Whether it must be given: 0 or 1.
  uint32_t required;
  // Zero.
  uint32_t reserved;
  // The key.
  struct KeywardSlice name;
  // Its value if none is given, written as in TOML; NULL for none.
  struct KeywardSlice default_value;
  // What it does, in one line.
  struct KeywardSlice help;
  // The texts that it can be, or that its list can contain: an array.
  const struct KeywardSlice *choices;
  // The number of choices; 0 for any text.
  size_t choice_count;
} KeywardOptionRow;

// Bytes whose ownership goes to the caller. The caller must free them with `release` and with
// nothing else.
//
// The caller passes a buffer that is all zeros.
typedef struct KeywardBuffer {
  // The first byte. NULL means "none".
  uint8_t *data;
  // The number of bytes.
  size_t length;
  // For the code that made the buffer.
  size_t capacity;
  // Wipes the bytes and frees the memory where it was allocated. May be NULL if `data` is.
  void (*release)(struct KeywardBuffer *buffer);
} KeywardBuffer;

// Why a call failed. The caller passes one that is all zeros except for its size.
typedef struct KeywardFailure {
  // The size of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // The operation that failed: `get`.
  struct KeywardBuffer operation;
  // The backend in which it happened, if that is another one.
  struct KeywardBuffer backend;
  // The reason, in lower case and without a full stop.
  struct KeywardBuffer message;
  // What the user can do about it.
  struct KeywardBuffer hint;
  // The underlying errors, one in each line.
  struct KeywardBuffer cause;
} KeywardFailure;

// Which certificates TLS trusts, and which proxies to use. The caller passes one that is all zeros
// except for its size.
typedef struct KeywardNetwork {
  // The size of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // The absolute paths of files of certificates in PEM form, one in each line.
  struct KeywardBuffer root_files;
  // The absolute paths of folders of such files, one in each line.
  struct KeywardBuffer root_folders;
  // The URL of the proxy for `https`. It may contain a password.
  struct KeywardBuffer https_proxy;
  // The URL of the proxy for `http`.
  struct KeywardBuffer http_proxy;
  // The URL of the proxy for `https` and `http` if they have none, and for all other schemes.
  struct KeywardBuffer all_proxy;
  // The hosts that are reached without a proxy, as in the variable `no_proxy`.
  struct KeywardBuffer no_proxy;
} KeywardNetwork;

// Identifies an entry. Both texts are UTF-8 in Unicode normalization form C (NFC).
typedef struct KeywardEntryName {
  // The user that the entry belongs to; no bytes for an entry that the store keeps for itself.
  struct KeywardSlice user;
  // The name of the entry; no bytes for the one without a name.
  struct KeywardSlice name;
} KeywardEntryName;

// Which entries to list.
typedef struct KeywardQuery {
  // The size of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // Only entries of this user; NULL for the entries of all users.
  struct KeywardSlice user;
  // Only entries whose name starts with this.
  struct KeywardSlice prefix;
  // Where the last page ended; NULL for the first one.
  struct KeywardSlice cursor;
  // The greatest number of entries on this page.
  uint64_t limit;
} KeywardQuery;

// The function to which a storage passes each entry of a page.
typedef struct KeywardEntrySink {
  // The first argument of `take`.
  void *context;
  // Takes an entry. If it returns another number than 0, the list ends with that status.
  int32_t (*take)(void *context, struct KeywardEntryName entry);
} KeywardEntrySink;

// The functions that a host provides to an instance. Every thread may call them.
typedef struct KeywardHostTable {
  // The size of this table, in bytes.
  uint32_t size;
  // The host's KEYWARD_MAJOR.
  uint16_t major;
  // The host's KEYWARD_MINOR.
  uint16_t minor;
  // The first argument of each function.
  void *context;
  // Releases the host. It must not be used afterwards.
  void (*release)(void *context);
  // Returns the secret that an option refers to; `reference` is that option's value, in JSON.
  // `expires` may be NULL; else it becomes the time at which the secret expires, in seconds since
  // 1970, or KEYWARD_NONE.
  int32_t (*secret)(void *context,
                    struct KeywardSlice reference,
                    struct KeywardBuffer *secret,
                    uint64_t *expires,
                    struct KeywardFailure *failure);
  // Asks the user at the terminal, twice if `confirm` is 1.
  int32_t (*prompt)(void *context,
                    struct KeywardSlice text,
                    uint32_t confirm,
                    struct KeywardBuffer *answer,
                    struct KeywardFailure *failure);
  // Returns an environment variable; NULL if it is not set.
  void (*variable)(void *context, struct KeywardSlice name, struct KeywardBuffer *value);
  // Returns the time, in seconds since 1970.
  uint64_t (*now)(void *context);
  // Writes a message to the log. Level 1: warning. 2: what is done. 3: how it is done.
  void (*log)(void *context, uint32_t level, struct KeywardSlice message);
  // Returns how long the caller still waits, in milliseconds; KEYWARD_NONE for ever.
  uint64_t (*remaining)(void *context);
  // Returns which certificates TLS trusts, and which proxies to use.
  int32_t (*network)(void *context, struct KeywardNetwork *network, struct KeywardFailure *failure);
  // Returns the record of an entry, as CBOR, in a store that an option names.
  int32_t (*source_get)(void *context,
                        struct KeywardSlice store,
                        struct KeywardEntryName entry,
                        struct KeywardBuffer *record,
                        struct KeywardFailure *failure);
  // Sets `found` to 1 if there is such an entry, else to 0.
  int32_t (*source_contains)(void *context,
                             struct KeywardSlice store,
                             struct KeywardEntryName entry,
                             uint32_t *found,
                             struct KeywardFailure *failure);
  // Passes some of the entries to `entries`; `next` is where the others begin, if there are
  // others.
  int32_t (*source_list)(void *context,
                         struct KeywardSlice store,
                         const struct KeywardQuery *query,
                         const struct KeywardEntrySink *entries,
                         struct KeywardBuffer *next,
                         struct KeywardFailure *failure);
  // Replaces the record of an entry if it is still `expected`. NULL means that there is no
  // record: as `expected`, before the call; as `record`, after it.
  int32_t (*source_swap)(void *context,
                         struct KeywardSlice store,
                         struct KeywardEntryName entry,
                         struct KeywardSlice expected,
                         struct KeywardSlice record,
                         struct KeywardFailure *failure);
} KeywardHostTable;

// A backend in one role.
typedef struct KeywardBackend {
  // The size of this table, in bytes.
  uint32_t size;
  // KEYWARD_ROLE_SERIALIZER or another one.
  uint32_t role;
  // Its name.
  struct KeywardSlice name;
  // What it is for, in one line.
  struct KeywardSlice help;
  // Its options: an array of rows.
  const struct KeywardOptionRow *options;
  // The number of rows.
  size_t option_count;
  // The methods of its role: `SerializerMethods` for a serializer, and so on.
  const void *methods;
  // Opens it with its options, an object in JSON. The first argument is this table.
  //
  // The instance owns the host until it calls `release`. It must call `release` in the end, also
  // if it fails to open.
  int32_t (*open)(const struct KeywardBackend *backend,
                  const struct KeywardHostTable *host,
                  struct KeywardSlice options,
                  struct KeywardInstance **instance,
                  struct KeywardFailure *failure);
} KeywardBackend;

// The result of a plugin's entry: its package and its backends. It is valid for ever.
typedef struct KeywardPlugin {
  // KEYWARD_MAGIC.
  uint64_t magic;
  // The size of this table, in bytes.
  uint32_t size;
  // KEYWARD_MAJOR of the interface that it was built for.
  uint16_t major;
  // KEYWARD_MINOR of that interface.
  uint16_t minor;
  // KEYWARD_FLAG_PANIC_ABORTS, or 0.
  uint64_t flags;
  // The name of its package.
  struct KeywardSlice package;
  // The version of its package.
  struct KeywardSlice version;
  // Pointers to its backends.
  const struct KeywardBackend *const *backends;
  // The number of backends.
  size_t backend_count;
} KeywardPlugin;

// The methods of a serializer.
typedef struct KeywardSerializerMethods {
  // The size of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // Closes the instance.
  void (*close)(struct KeywardInstance *instance);
  // Encodes a record, which is passed as CBOR.
  int32_t (*encode)(struct KeywardInstance *instance,
                    struct KeywardSlice record,
                    struct KeywardBuffer *encoded,
                    struct KeywardFailure *failure);
  // Decodes a record, which is returned as CBOR.
  int32_t (*decode)(struct KeywardInstance *instance,
                    struct KeywardSlice encoded,
                    struct KeywardBuffer *record,
                    struct KeywardFailure *failure);
} KeywardSerializerMethods;

// What an encryption can do.
typedef struct KeywardEncryptionAbilities {
  // The size of this table, in bytes.
  uint32_t size;
  // Whether the encryption itself ties a blob to its context: 0 or 1.
  uint32_t binds_context;
  // Whether a blob that opens can only have been made with the key: 0 or 1.
  uint32_t authenticates;
  // 0: there are no keys. 1: the store passes the key. 2: the encryption has its own keys.
  uint32_t keys;
} KeywardEncryptionAbilities;

// Up to 64 bytes: a revision, or the id of a key.
typedef struct KeywardShort {
  // The number of bytes.
  uint32_t length;
  // Whether there is a value: 0 or 1.
  uint32_t present;
  // The bytes.
  uint8_t bytes[64];
} KeywardShort;

// What a blob is sealed for.
typedef struct KeywardSealContext {
  // The size of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // The store: 16 bytes.
  const uint8_t *store;
  // The entry.
  struct KeywardEntryName entry;
  // The id of the key that the store passes; NULL if it passes none.
  struct KeywardSlice key_id;
  // That key: 32 bytes.
  struct KeywardSlice key;
  // 32 new random bytes for this seal.
  const uint8_t *salt;
  // 32 bytes: SHA-256 of the associated data and the entry.
  const uint8_t *binding;
  // Bytes to authenticate together with the content.
  struct KeywardSlice associated_data;
} KeywardSealContext;

// The methods of an encryption.
typedef struct KeywardEncryptionMethods {
  // The size of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // Closes the instance.
  void (*close)(struct KeywardInstance *instance);
  // Returns what this instance can do. It does not change while the instance is open.
  int32_t (*abilities)(struct KeywardInstance *instance,
                       struct KeywardEncryptionAbilities *abilities,
                       struct KeywardFailure *failure);
  // Returns the key that a seal would use now, if the encryption has its own keys.
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
  // Opens a sealed blob.
  int32_t (*unseal)(struct KeywardInstance *instance,
                    struct KeywardSlice blob,
                    const struct KeywardSealContext *context,
                    struct KeywardBuffer *plain,
                    struct KeywardFailure *failure);
} KeywardEncryptionMethods;

// The methods of a key source.
typedef struct KeywardKeyMethods {
  // The size of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // Closes the instance.
  void (*close)(struct KeywardInstance *instance);
  // Makes a secret, or returns the one that was supplied. `ownership` says where it is: 0: it was
  // supplied. 1: the source made and holds it. 2: the parameters contain it, wrapped, or it is
  // derived from them.
  int32_t (*create)(struct KeywardInstance *instance,
                    struct KeywardSlice id,
                    struct KeywardBuffer *key,
                    struct KeywardBuffer *parameters,
                    uint32_t *ownership,
                    struct KeywardFailure *failure);
  // Returns the secret. `expires` is KEYWARD_NONE at first; a source whose secret expires
  // sets it to that time, in seconds since 1970.
  int32_t (*load)(struct KeywardInstance *instance,
                  struct KeywardSlice id,
                  struct KeywardSlice parameters,
                  struct KeywardBuffer *key,
                  uint64_t *expires,
                  struct KeywardFailure *failure);
  // Removes a secret that `create` made.
  int32_t (*remove)(struct KeywardInstance *instance,
                    struct KeywardSlice id,
                    struct KeywardSlice parameters,
                    struct KeywardFailure *failure);
  // Returns new parameters for the same secret. May be NULL.
  int32_t (*rewrap)(struct KeywardInstance *instance,
                    struct KeywardSlice id,
                    struct KeywardSlice parameters,
                    struct KeywardBuffer *new_parameters,
                    struct KeywardFailure *failure);
} KeywardKeyMethods;

// What a storage can do.
typedef struct KeywardStorageAbilities {
  // The size of this table, in bytes.
  uint32_t size;
  // How long blobs last. 0: they may vanish at any time. 1: as long as the process. 2: the session.
  // 3: for good.
  uint32_t persistence;
  // Who can use it at the same time. 0: one process. 1: one machine. 2: many machines.
  uint32_t sharing;
  // Whether it lists its entries: 0 or 1.
  uint32_t lists;
  // Whether `bulk` can be called: 0 or 1.
  uint32_t bulk;
  // Whether `lock` can be called: 0 or 1.
  uint32_t locks;
  // The largest blob, in bytes; KEYWARD_NONE for no limit.
  uint64_t largest;
  // Which conditions it checks. 0: all. 1: those of `put`. 2: none.
  uint32_t swaps;
  // When a lock ends if its holder vanishes. 0: at once. 1: after its `ttl`. 2: it excludes only
  // the threads of one process.
  uint32_t exclusion;
  // The most operations of `bulk`; KEYWARD_NONE for no limit.
  uint64_t bulk_operations;
  // The most bytes of all blobs of `bulk` together; KEYWARD_NONE for no limit.
  uint64_t bulk_bytes;
} KeywardStorageAbilities;

// The condition on an entry for a change to happen.
typedef struct KeywardExpectation {
  // 0: none. 1: it does not exist. 2: it exists and has this revision.
  uint32_t kind;
  // Zero.
  uint32_t reserved;
  // The revision.
  struct KeywardShort revision;
} KeywardExpectation;

// How to keep a blob.
typedef struct KeywardPutOptions {
  // The size of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // When the storage may forget the entry, if it can, in seconds since 1970; KEYWARD_NONE for never.
  uint64_t expires;
  // The condition on the entry.
  struct KeywardExpectation expect;
} KeywardPutOptions;

// One of many changes.
typedef struct KeywardOperation {
  // 0: keep the blob. 1: remove the entry.
  uint32_t kind;
  // Zero.
  uint32_t reserved;
  // The entry.
  struct KeywardEntryName entry;
  // The blob; none for a removal.
  struct KeywardSlice blob;
  // How to keep the blob; for a removal only the condition counts.
  struct KeywardPutOptions put;
} KeywardOperation;

// The function to which a storage passes what an entry holds.
typedef struct KeywardStoredSink {
  // The first argument of `take`.
  void *context;
  // Takes the status of one entry: its blob and revision, or its failure, which may be NULL. If
  // it returns another number than 0, `get_many` ends with that status.
  int32_t (*take)(void *context,
                  int32_t status,
                  struct KeywardSlice blob,
                  const struct KeywardShort *revision,
                  struct KeywardFailure *failure);
} KeywardStoredSink;

// The methods of a storage.
typedef struct KeywardStorageMethods {
  // The size of this table, in bytes.
  uint32_t size;
  // Zero.
  uint32_t reserved;
  // Closes the instance.
  void (*close)(struct KeywardInstance *instance);
  // Returns what this instance can do. It does not change while the instance is open.
  int32_t (*abilities)(struct KeywardInstance *instance,
                       struct KeywardStorageAbilities *abilities,
                       struct KeywardFailure *failure);
  // Returns the blob of an entry. If it returns no revision, the revision is the SHA-256 of the
  // blob.
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
  // Passes some of the entries to `entries`; `next` is where the others begin, if there are
  // others.
  int32_t (*list)(struct KeywardInstance *instance,
                  const struct KeywardQuery *query,
                  const struct KeywardEntrySink *entries,
                  struct KeywardBuffer *next,
                  struct KeywardFailure *failure);
  // Removes everything that this storage keeps, and then the storage itself.
  int32_t (*destroy)(struct KeywardInstance *instance, struct KeywardFailure *failure);
  // Makes all changes or none. Each put writes its revision into the element of `revisions` that
  // has the index of its operation; without one, it is the SHA-256 of the blob. May be NULL.
  int32_t (*bulk)(struct KeywardInstance *instance,
                  const struct KeywardOperation *operations,
                  size_t operation_count,
                  struct KeywardShort *revisions,
                  struct KeywardFailure *failure);
  // Takes a lock, shared (0) or exclusive (1); times are in milliseconds. May be NULL.
  int32_t (*lock)(struct KeywardInstance *instance,
                  struct KeywardEntryName entry,
                  uint32_t mode,
                  uint64_t wait,
                  uint64_t ttl,
                  void **guard,
                  struct KeywardFailure *failure);
  // Keeps a lock for `ttl` from now on. May be NULL if `lock` is.
  int32_t (*renew)(struct KeywardInstance *instance,
                   void *guard,
                   uint64_t ttl,
                   struct KeywardFailure *failure);
  // Releases a lock. May be NULL if `lock` is.
  void (*unlock)(struct KeywardInstance *instance, void *guard);
  // Passes what each of the first of these entries holds to `sink`, in their order, and at least
  // the first. May be NULL.
  int32_t (*get_many)(struct KeywardInstance *instance,
                      const struct KeywardEntryName *entries,
                      size_t entry_count,
                      const struct KeywardStoredSink *sink,
                      struct KeywardFailure *failure);
} KeywardStorageMethods;

#endif  /* KEYWARD_PLUGIN_H */
