import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseResponse, RpcFault, type RpcValue, toXml } from './xml-rpc.ts';

const respond = (xml: string) =>
  `<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n${xml}</param>\n</params>\n</methodResponse>\n`;

// Strings that are only blanks do not occur in what supervisord answers, and the reader drops them as layout.
const scalar = fc.oneof(
  fc.integer(),
  fc.boolean(),
  fc.string().filter((text) => text === '' || text.trim() !== ''),
);
const value: fc.Arbitrary<RpcValue> = fc.letrec<{ value: RpcValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

describe("the reader of supervisord's answers", () => {
  it('reads back whatever is written', () => {
    fc.assert(fc.property(value, (sent) => assert.deepEqual(parseResponse(respond(toXml(sent))), sent)));
  });

  it('reads the layout that supervisord writes', () => {
    const xml = `<value><array><data>
<value><struct>
<member>
<name>name</name>
<value><string>order</string></value>
</member>
<member>
<name>pid</name>
<value><int>42</int></value>
</member>
<member>
<name>logfile</name>
<value><string></string></value>
</member>
</struct></value>
</data></array></value>
`;
    assert.deepEqual(parseResponse(respond(xml)), [{ name: 'order', pid: 42, logfile: '' }]);
  });

  it('turns a fault into an error with its code', () => {
    const fault = toXml({ faultCode: 10, faultString: 'BAD_NAME: x' });
    assert.throws(
      () => parseResponse(`<methodResponse><fault>${fault}</fault></methodResponse>`),
      (error: unknown) => error instanceof RpcFault && error.faultCode === 10 && error.message === 'BAD_NAME: x',
    );
  });
});
