/**
 * The gradients of every differentiable kernel that programs use. They replace TF.js's own, which Node cannot import as
 * a module and which are wrong or missing in places (matMul of a 3-D by a 2-D tensor, gather by scatter, comparisons on
 * the path of `where`).
 */
import './gradients/elementwise.ts';
import './gradients/shape.ts';
import { registerGradients } from './gradients/registry.ts';

registerGradients();

export { registerGradients };
