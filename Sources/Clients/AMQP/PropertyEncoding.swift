import CRabbitMQ

/// Memory for the C form of one message's texts and tables: librabbitmq's own pool, used again for the next message.
///
/// What it hands out is valid until ``recycle()``. Not Sendable: it belongs to one connection.
final class Arena {
    private let pool: UnsafeMutablePointer<amqp_pool_t>
    private static let pageBytes = 16 * 1024

    init() {
        pool = .allocate(capacity: 1)
        init_amqp_pool(pool, Self.pageBytes)
    }

    deinit {
        empty_amqp_pool(pool)
        pool.deallocate()
    }

    /// Forgets everything handed out so far.
    func recycle() {
        recycle_amqp_pool(pool)
    }

    func bytes(_ text: String) -> amqp_bytes_t {
        var text = text
        return text.withUTF8 { copy(UnsafeRawBufferPointer($0)) }
    }

    func bytes(_ bytes: [UInt8]) -> amqp_bytes_t {
        bytes.withUnsafeBytes { copy($0) }
    }

    func table(_ entries: [String: FieldValue]) -> amqp_table_t {
        guard let first = allocate(amqp_table_entry_t.self, entries.count) else { return amqp_table_t() }
        for (index, entry) in entries.enumerated() {
            (first + index).initialize(to: amqp_table_entry_t(key: bytes(entry.key), value: value(entry.value)))
        }
        return amqp_table_t(num_entries: Int32(entries.count), entries: first)
    }

    private func array(_ values: [FieldValue]) -> amqp_array_t {
        guard let first = allocate(amqp_field_value_t.self, values.count) else { return amqp_array_t() }
        for (index, element) in values.enumerated() {
            (first + index).initialize(to: value(element))
        }
        return amqp_array_t(num_entries: Int32(values.count), entries: first)
    }

    private func value(_ value: FieldValue) -> amqp_field_value_t {
        var raw = amqp_field_value_t()
        func set(_ kind: amqp_field_value_kind_t) { raw.kind = UInt8(kind.rawValue) }
        switch value {
        case .string(let text): set(AMQP_FIELD_KIND_UTF8); raw.value.bytes = bytes(text)
        case .integer(let number): set(AMQP_FIELD_KIND_I64); raw.value.i64 = number
        case .double(let number): set(AMQP_FIELD_KIND_F64); raw.value.f64 = number
        case .boolean(let flag): set(AMQP_FIELD_KIND_BOOLEAN); raw.value.boolean = flag ? 1 : 0
        case .bytes(let content): set(AMQP_FIELD_KIND_BYTES); raw.value.bytes = bytes(content)
        case .timestamp(let seconds): set(AMQP_FIELD_KIND_TIMESTAMP); raw.value.u64 = UInt64(clamping: seconds)
        case .array(let values): set(AMQP_FIELD_KIND_ARRAY); raw.value.array = array(values)
        case .table(let entries): set(AMQP_FIELD_KIND_TABLE); raw.value.table = table(entries)
        case .null: set(AMQP_FIELD_KIND_VOID)
        }
        return raw
    }

    func properties(_ properties: Properties) -> amqp_basic_properties_t {
        var raw = amqp_basic_properties_t()
        var flags: Int32 = 0
        func text(_ flag: Int32, _ text: String?) -> amqp_bytes_t {
            guard let text else { return amqp_bytes_t() }
            flags |= flag
            return bytes(text)
        }
        raw.message_id = text(AMQP_BASIC_MESSAGE_ID_FLAG, properties.messageID)
        raw.correlation_id = text(AMQP_BASIC_CORRELATION_ID_FLAG, properties.correlationID)
        raw.reply_to = text(AMQP_BASIC_REPLY_TO_FLAG, properties.replyTo)
        raw.type = text(AMQP_BASIC_TYPE_FLAG, properties.type)
        raw.content_type = text(AMQP_BASIC_CONTENT_TYPE_FLAG, properties.contentType)
        raw.content_encoding = text(AMQP_BASIC_CONTENT_ENCODING_FLAG, properties.contentEncoding)
        raw.app_id = text(AMQP_BASIC_APP_ID_FLAG, properties.appID)
        raw.user_id = text(AMQP_BASIC_USER_ID_FLAG, properties.userID)
        raw.expiration = text(AMQP_BASIC_EXPIRATION_FLAG, properties.expiration.map { String($0) })
        flags |= AMQP_BASIC_DELIVERY_MODE_FLAG
        raw.delivery_mode = properties.persistent ? Properties.persistentMode : Properties.transientMode
        if let timestamp = properties.timestamp {
            flags |= AMQP_BASIC_TIMESTAMP_FLAG
            raw.timestamp = UInt64(clamping: timestamp)
        }
        if let priority = properties.priority {
            flags |= AMQP_BASIC_PRIORITY_FLAG
            raw.priority = priority
        }
        if !properties.headers.isEmpty {
            flags |= AMQP_BASIC_HEADERS_FLAG
            raw.headers = table(properties.headers)
        }
        raw._flags = UInt32(flags)
        return raw
    }

    private func copy(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t {
        guard let start = source.baseAddress, let target = allocate(UInt8.self, source.count) else { return amqp_bytes_t() }
        UnsafeMutableRawPointer(target).copyMemory(from: start, byteCount: source.count)
        return amqp_bytes_t(len: source.count, bytes: target)
    }

    /// `nil` for nothing to allocate. librabbitmq aligns to 8 bytes. Where memory has run out the process ends, as it does in
    /// Swift's own allocations.
    private func allocate<Element>(_: Element.Type, _ count: Int) -> UnsafeMutablePointer<Element>? {
        guard count > 0 else { return nil }
        guard let memory = amqp_pool_alloc(pool, count * MemoryLayout<Element>.stride) else {
            preconditionFailure("out of memory")
        }
        return memory.bindMemory(to: Element.self, capacity: count)
    }
}
