import Glibc
import Testing

/// The encoding of AMQP 0-9-1, as far as a hostile publisher needs it.
enum Wire {
    static func uint16(_ value: Int) -> [UInt8] { [UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)] }
    static func uint32(_ value: Int) -> [UInt8] { uint16(value >> 16) + uint16(value) }
    static func short(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count)] + bytes }
    static func long(_ bytes: [UInt8]) -> [UInt8] { uint32(bytes.count) + bytes }

    static func entry(_ key: String, kind: Character, _ value: [UInt8]) -> [UInt8] {
        short(Array(key.utf8)) + Array(String(kind).utf8) + value
    }

    static func frame(type: UInt8, channel: Int, _ payload: [UInt8]) -> [UInt8] {
        [type] + uint16(channel) + uint32(payload.count) + payload + [0xCE]
    }

    static func method(_ classID: Int, _ methodID: Int, channel: Int, _ arguments: [UInt8]) -> [UInt8] {
        frame(type: 1, channel: channel, uint16(classID) + uint16(methodID) + arguments)
    }
}

/// Publishes bytes that no client library would send.
final class RawPublisher {
    private let socket: Int32

    init(port: Int) throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = unsafe inet_addr("127.0.0.1")
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe connect(socket, $0, length) }
        }
        try #require(status == 0)
        try send(Array("AMQP".utf8) + [0, 0, 9, 1])
        try readFrame()
        let response = Wire.long([0] + Array("guest".utf8) + [0] + Array("guest".utf8))
        try send(Wire.method(10, 11, channel: 0, Wire.long([]) + Wire.short(Array("PLAIN".utf8)) + response + Wire.short(Array("en_US".utf8))))
        try readFrame()
        try send(Wire.method(10, 31, channel: 0, Wire.uint16(1) + Wire.uint32(131_072) + Wire.uint16(0)))
        try send(Wire.method(10, 40, channel: 0, Wire.short(Array("/".utf8)) + [0, 0]))
        try readFrame()
        try send(Wire.method(20, 10, channel: 1, [0]))
        try readFrame()
    }

    deinit {
        close(socket)
    }

    /// `headers` are the table's entries, encoded.
    func publish(to queue: String, messageID: [UInt8], headers: [UInt8], body: [UInt8]) throws {
        let properties = Wire.uint16(1 << 13 | 1 << 7) + Wire.long(headers) + Wire.short(messageID)
        let header = Wire.uint16(60) + Wire.uint16(0) + Wire.uint32(0) + Wire.uint32(body.count) + properties
        try send(Wire.method(60, 40, channel: 1, Wire.uint16(0) + Wire.short([]) + Wire.short(Array(queue.utf8)) + [0]))
        try send(Wire.frame(type: 2, channel: 1, header))
        if !body.isEmpty { try send(Wire.frame(type: 3, channel: 1, body)) }
    }

    private func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = unsafe bytes[sent...].withUnsafeBytes { unsafe Glibc.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            try #require(count > 0)
            sent += count
        }
    }

    private func readFrame() throws {
        let head = try read(7)
        let size = head[3...6].reduce(0) { $0 << 8 | Int($1) }
        _ = try read(size + 1)
    }

    private func read(_ count: Int) throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let received = unsafe buffer.withUnsafeMutableBytes { unsafe recv(socket, $0.baseAddress.map { unsafe $0 + filled }, count - filled, 0) }
            try #require(received > 0, "the broker closed the connection")
            filled += received
        }
        return buffer
    }
}
