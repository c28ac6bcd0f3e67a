import CHiredis
import Glibc

/// One non-blocking connection: hiredis's buffers and parser around a socket. Belongs to the I/O thread.
final class RedisConnection {
    /// A reply larger than this ends the connection: nothing that Wharf keeps in Redis comes near.
    static let maximumReplyBytes = 64 << 20

    private let context: UnsafeMutablePointer<redisContext>
    private var bytesOfUnfinishedReply = 0
    private(set) var hasUnsent = false
    private let target: RedisAddress
    /// Once connected, for `rediss://`.
    private var tls: TLSSession?
    /// What TLS has not taken yet; hiredis has a buffer of its own without it.
    private var unsent: ArraySlice<UInt8> = []

    /// Begins to connect to a numeric address of `target`.
    init(address: String, of target: RedisAddress) throws(RedisError) {
        self.target = target
        guard let context = redisConnectNonBlock(address, Int32(target.port)) else {
            throw RedisError(code: .failed, message: "hiredis gave no context; memory is short")
        }
        self.context = context
        try check()
    }

    deinit {
        redisFree(context)
    }

    var descriptor: Int32 { context.pointee.fd }

    /// What `poll` is to wait for, once connected.
    var events: Int32 {
        let wantsToWrite = tls.map { $0.wantsToWrite } ?? hasUnsent
        return wantsToWrite ? POLLIN | POLLOUT : POLLIN
    }

    /// To be called when the socket has become writable: returns whether that is because it is connected.
    func finishConnecting() throws(RedisError) {
        var code: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size) == 0, code == 0 else {
            throw RedisError(code: .unavailable, message: String(cString: strerror(code)))
        }
        redisEnableKeepAlive(context)
        try check()
        if let settings = target.tls { tls = try TLSSession(settings, host: target.host, socket: descriptor) }
    }

    /// Puts an encoded command behind those that are yet to be sent; ``flush()`` sends them.
    func append(_ bytes: [UInt8]) throws(RedisError) {
        guard tls == nil else {
            unsent += bytes
            hasUnsent = true
            return
        }
        let status = bytes.withUnsafeBytes { bytes in
            redisAppendFormattedCommand(context, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard status == REDIS_OK else { throw failure }
        hasUnsent = true
    }

    /// Sends as much as the socket takes.
    func flush() throws(RedisError) {
        if let tls { return try flush(over: tls) }
        var isDone: Int32 = 0
        guard redisBufferWrite(context, &isDone) == REDIS_OK else { throw failure }
        hasUnsent = isDone == 0
    }

    /// Takes what the socket has: without TLS up to hiredis's buffer of 16 KiB.
    func receive() throws(RedisError) {
        if let tls { return try receive(over: tls) }
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

    private func flush(over tls: TLSSession) throws(RedisError) {
        while !unsent.isEmpty {
            switch try tls.write(unsent) {
            case .moved(let count): unsent = unsent.dropFirst(count)
            case .waits: return
            case .closed: throw Self.closed
            }
        }
        unsent = []
        hasUnsent = false
    }

    /// Until nothing is left, since what OpenSSL has decrypted makes no socket ready.
    private func receive(over tls: TLSSession) throws(RedisError) {
        // A handshake that waited for the server goes on by writing.
        if hasUnsent { try flush(over: tls) }
        let reader = context.pointee.reader
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.recordBytes, alignment: 1)
        defer { buffer.deallocate() }
        while true {
            switch try tls.read(into: buffer) {
            case .moved(let count):
                bytesOfUnfinishedReply += count
                guard redisReaderFeed(reader, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), count) == REDIS_OK else { throw failure }
                // What is beyond ends the connection when the replies are read.
                if bytesOfUnfinishedReply > Self.maximumReplyBytes { return }
            case .waits: return
            case .closed: throw Self.closed
            }
        }
    }

    /// The largest that TLS decrypts at once.
    private static let recordBytes = 16 << 10
    private static let closed = RedisError(code: .unavailable, message: "Server closed the connection")

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
