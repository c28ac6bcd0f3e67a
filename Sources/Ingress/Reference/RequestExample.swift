import YAML

/// A request to an operation with the document's examples in it.
struct RequestExample {
    enum Body {
        case json(YAMLNode)
        /// A file of that media type, and what may be in it.
        case file(type: String, text: String)

        var type: String {
            switch self {
            case .json: "application/json"
            case .file(let type, _): type
            }
        }
    }

    let method: String
    let path: String
    let needsToken: Bool
    /// In addition to those for the token and the body.
    let headers: [(name: String, value: String)]
    let body: Body?

    init(_ operation: Reference.Operation, _ parameters: [OperationParameter]) throws(OpenAPIError) {
        method = operation.endpoint.method
        needsToken = operation.endpoint.role != .public
        var path = operation.endpoint.path
        var query: [String] = []
        var headers: [(name: String, value: String)] = []
        for parameter in parameters {
            switch parameter.place {
            case "path": path = path.replacing("{\(parameter.name)}", with: Self.encoded(parameter.example ?? parameter.name))
            case "query":
                // One optional parameter shows how; more would hide what matters.
                guard parameter.isRequired || query.isEmpty, let example = parameter.example else { continue }
                query.append("\(parameter.name)=\(Self.encoded(example))")
            default:
                guard parameter.isRequired || parameter.name == "Prefer", let example = parameter.example else { continue }
                headers.append((parameter.name, example))
            }
        }
        self.path = path + (query.isEmpty ? "" : "?" + query.joined(separator: "&"))
        self.headers = headers
        guard let content = try operation.node.value("requestBody")?.required("content"), let (type, media) = try content.entries().first else {
            body = nil
            return
        }
        if ExampleText.isJSON(type) {
            body = try ExampleText.node(media).map { .json($0) }
        } else {
            body = .file(type: type, text: try ExampleText.of(media, type: type) ?? "")
        }
    }

    /// For a segment of a path or a value of a query.
    static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isUnreserved = (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || "-._~".utf8.contains(byte)
            let digits = String(byte, radix: 16, uppercase: true)
            return isUnreserved ? String(Unicode.Scalar(byte)) : "%" + (digits.count < 2 ? "0" : "") + digits
        }.joined()
    }
}
