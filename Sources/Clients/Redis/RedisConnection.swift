import CHiredis
import Glibc

/// One non-blocking connection: hiredis's buffers and parser around a socket. Belongs to the I/O thread.
final class RedisConnection {
    /// A reply larger than this ends the connection: nothing that Wharf keeps in Redis comes near.
    static let maximumReplyBytes = 64 << 20

    private let context: UnsafeMutablePointer<redisContext>
    private var bytesOfUnfinishedReply = 0
    private(set) var hasUnsent = false

    /// Begins to connect to a numeric address.
    init(address: String, port: Int) throws(RedisError) {
        guard let context = redisConnectNonBlock(address, Int32(port)) else {
            throw RedisError(code: .failed, message: "hiredis gave no context; memory is short")
        }
        self.context = context
        try check()
    }

    deinit {
        redisFree(context)
    }

    var descriptor: Int32 { context.pointee.fd }

    /// To be called when the socket has become writable: tells whether it did so because it is connected.
    func finishConnecting() throws(RedisError) {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0, code == 0 else {
            throw RedisError(code: .unavailable, message: String(cString: strerror(code)))
        }
        redisEnableKeepAlive(context)
        try check()
    }

    /// Puts an encoded command behind those that are yet to be sent; ``flush()`` sends them.
    func append(_ bytes: [UInt8]) throws(RedisError) {
        let status = bytes.withUnsafeBytes { bytes in
            redisAppendFormattedCommand(context, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard status == REDIS_OK else { throw failure }
        hasUnsent = true
    }

    /// Sends as much as the socket takes.
    func flush() throws(RedisError) {
        var isDone: Int32 = 0
        guard redisBufferWrite(context, &isDone) == REDIS_OK else { throw failure }
        hasUnsent = isDone == 0
    }

    /// Takes what the socket has, up to hiredis's buffer of 16 KiB.
    func receive() throws(RedisError) {
        let before = context.pointee.reader.pointee.len
        guard redisBufferRead(context) == REDIS_OK else { throw failure }
        bytesOfUnfinishedReply += max(0, context.pointee.reader.pointee.len - before)
    }

    /// The next whole reply; nil when more must be received first.
    func nextReply() throws(RedisError) -> RedisValue? {
        var raw: UnsafeMutableRawPointer?
        guard redisGetReplyFromReader(context, &raw) == REDIS_OK else { throw failure }
        guard let raw else {
            guard bytesOfUnfinishedReply <= Self.maximumReplyBytes else {
                throw RedisError(code: .failed, message: "A reply is larger than \(Self.maximumReplyBytes) bytes")
            }
            return nil
        }
        defer { freeReplyObject(raw) }
        bytesOfUnfinishedReply = 0
        return RedisValue(raw.assumingMemoryBound(to: redisReply.self).pointee)
    }

    private func check() throws(RedisError) {
        guard context.pointee.err == 0 else { throw failure }
    }

    private var failure: RedisError {
        let message = withUnsafeBytes(of: context.pointee.errstr) { text in
            String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
        }
        switch context.pointee.err {
        case REDIS_ERR_IO, REDIS_ERR_EOF, REDIS_ERR_OTHER: return RedisError(code: .unavailable, message: message)
        default: return RedisError(code: .failed, message: message)
        }
    }
}

extension RedisValue {
    /// Copies a reply out of hiredis's memory. hiredis nests arrays at most seven deep.
    fileprivate init(_ reply: redisReply) {
        switch reply.type {
        case REDIS_REPLY_STRING: self = .string(Self.bytes(of: reply))
        case REDIS_REPLY_STATUS: self = .status(String(decoding: Self.bytes(of: reply), as: UTF8.self))
        case REDIS_REPLY_ERROR: self = .error(String(decoding: Self.bytes(of: reply), as: UTF8.self))
        case REDIS_REPLY_INTEGER: self = .integer(reply.integer)
        case REDIS_REPLY_ARRAY:
            let elements = UnsafeBufferPointer(start: reply.element, count: reply.elements)
            self = .array(elements.map { $0.map { RedisValue($0.pointee) } ?? .null })
        default: self = .null
        }
    }

    private static func bytes(of reply: redisReply) -> [UInt8] {
        Array(UnsafeRawBufferPointer(start: reply.str, count: reply.len))
    }
}
