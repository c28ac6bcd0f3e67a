import CRabbitMQ

// Copies out of librabbitmq's frames, which live until its pools are recycled. Other publishers may have sent anything:
// nothing in here trusts text to be UTF-8, numbers to be small or tables to be shallow.

extension String {
    /// What is not UTF-8 becomes U+FFFD.
    init(repairing bytes: amqp_bytes_t) {
        self.init(decoding: UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len), as: UTF8.self)
    }
}

extension [UInt8] {
    init(copying bytes: amqp_bytes_t) {
        self.init(UnsafeRawBufferPointer(start: bytes.bytes, count: bytes.len))
    }
}

extension Properties {
    init(_ raw: amqp_basic_properties_t) {
        func text(_ flag: Int32, _ bytes: amqp_bytes_t) -> String? {
            raw._flags & UInt32(flag) == 0 ? nil : String(repairing: bytes)
        }
        func isSet(_ flag: Int32) -> Bool {
            raw._flags & UInt32(flag) != 0
        }
        self.init(
            messageID: text(AMQP_BASIC_MESSAGE_ID_FLAG, raw.message_id),
            correlationID: text(AMQP_BASIC_CORRELATION_ID_FLAG, raw.correlation_id),
            replyTo: text(AMQP_BASIC_REPLY_TO_FLAG, raw.reply_to),
            type: text(AMQP_BASIC_TYPE_FLAG, raw.type),
            contentType: text(AMQP_BASIC_CONTENT_TYPE_FLAG, raw.content_type),
            contentEncoding: text(AMQP_BASIC_CONTENT_ENCODING_FLAG, raw.content_encoding),
            appID: text(AMQP_BASIC_APP_ID_FLAG, raw.app_id),
            userID: text(AMQP_BASIC_USER_ID_FLAG, raw.user_id),
            expiration: text(AMQP_BASIC_EXPIRATION_FLAG, raw.expiration).flatMap { Int($0) },
            timestamp: isSet(AMQP_BASIC_TIMESTAMP_FLAG) ? Int64(clamping: raw.timestamp) : nil,
            persistent: isSet(AMQP_BASIC_DELIVERY_MODE_FLAG) && raw.delivery_mode == Self.persistentMode,
            priority: isSet(AMQP_BASIC_PRIORITY_FLAG) ? raw.priority : nil,
            headers: isSet(AMQP_BASIC_HEADERS_FLAG) ? FieldValue.entries(of: raw.headers, depth: 1) : [:]
        )
    }

    /// AMQP's delivery modes: 1 is transient, 2 persistent.
    static let persistentMode: UInt8 = 2
    static let transientMode: UInt8 = 1
}

extension FieldValue {
    /// Of two equal keys the last one counts.
    static func entries(of table: amqp_table_t, depth: Int) -> [String: FieldValue] {
        var result = [String: FieldValue](minimumCapacity: Int(table.num_entries))
        for entry in UnsafeBufferPointer(start: table.entries, count: Int(table.num_entries)) {
            result[String(repairing: entry.key)] = FieldValue(entry.value, depth: depth)
        }
        return result
    }

    /// `depth` counts the tables and arrays that the value lies in.
    private init(_ raw: amqp_field_value_t, depth: Int) {
        let value = raw.value
        switch amqp_field_value_kind_t(UInt32(raw.kind)) {
        case AMQP_FIELD_KIND_BOOLEAN: self = .boolean(value.boolean != 0)
        case AMQP_FIELD_KIND_I8: self = .integer(Int64(value.i8))
        case AMQP_FIELD_KIND_U8: self = .integer(Int64(value.u8))
        case AMQP_FIELD_KIND_I16: self = .integer(Int64(value.i16))
        case AMQP_FIELD_KIND_U16: self = .integer(Int64(value.u16))
        case AMQP_FIELD_KIND_I32: self = .integer(Int64(value.i32))
        case AMQP_FIELD_KIND_U32: self = .integer(Int64(value.u32))
        case AMQP_FIELD_KIND_I64: self = .integer(value.i64)
        case AMQP_FIELD_KIND_U64: self = .integer(Int64(clamping: value.u64))
        case AMQP_FIELD_KIND_F32: self = .double(Double(value.f32))
        case AMQP_FIELD_KIND_F64: self = .double(value.f64)
        case AMQP_FIELD_KIND_DECIMAL: self = .double(Self.double(value.decimal))
        case AMQP_FIELD_KIND_TIMESTAMP: self = .timestamp(Int64(clamping: value.u64))
        case AMQP_FIELD_KIND_BYTES: self = .bytes([UInt8](copying: value.bytes))
        case AMQP_FIELD_KIND_UTF8:
            let text = UnsafeRawBufferPointer(start: value.bytes.bytes, count: value.bytes.len)
            self = String(validating: text, as: UTF8.self).map(FieldValue.string) ?? .bytes([UInt8](text))
        case AMQP_FIELD_KIND_TABLE, AMQP_FIELD_KIND_ARRAY:
            self = depth < Self.maximumDepth ? Self(nested: raw, depth: depth + 1) : Self.tooDeep
        default: self = .null
        }
    }

    private init(nested raw: amqp_field_value_t, depth: Int) {
        if raw.kind == UInt8(AMQP_FIELD_KIND_TABLE.rawValue) {
            self = .table(Self.entries(of: raw.value.table, depth: depth))
        } else {
            let array = raw.value.array
            self = .array(UnsafeBufferPointer(start: array.entries, count: Int(array.num_entries)).map { FieldValue($0, depth: depth) })
        }
    }

    /// The number of decimals goes up to 255, more than a double can represent.
    private static func double(_ decimal: amqp_decimal_t) -> Double {
        (0..<decimal.decimals).reduce(Double(decimal.value)) { value, _ in value / 10 }
    }
}
