/// A parameter of an operation, for the reference.
struct OperationParameter {
    let name: String
    let place: String
    let isRequired: Bool
    let description: String
    let schema: DocumentNode?
    let example: String?

    private init(_ node: DocumentNode) throws(OpenAPIError) {
        name = try node.required("name").text()
        place = try node.required("in").text()
        isRequired = try node.value("required")?.text() == "true"
        description = try node.value("description")?.text() ?? ""
        schema = try node.value("schema")
        example = try node.value("example")?.text()
    }

    /// Those of the path come first.
    static func all(of operation: Reference.Operation, in document: DocumentNode) throws(OpenAPIError) -> [OperationParameter] {
        let item = try document.required("paths").required(operation.endpoint.path)
        var nodes = try item.value("parameters")?.elements() ?? []
        nodes += try operation.node.value("parameters")?.elements() ?? []
        var parameters: [OperationParameter] = []
        for node in nodes { parameters.append(try OperationParameter(node)) }
        return parameters
    }
}
